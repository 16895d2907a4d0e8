"""The servers that do the work, by name."""

from benchmarks.peer import Peer
from benchmarks.peers.actual import Actual
from benchmarks.peers.finwise import FinWise
from benchmarks.peers.floor import FlaskFloor, RawFloor
from benchmarks.peers.kinto import Kinto
from benchmarks.peers.pocketbase import PocketBase
from benchmarks.peers.pouchdb import PouchDB

PEERS: dict[str, type[Peer]] = {
    peer.name: peer for peer in (FinWise, PocketBase, PouchDB, Kinto, Actual, FlaskFloor, RawFloor)
}
