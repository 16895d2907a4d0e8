export { ENTITY_TYPES, isEntityType, type Data, type Entity, type EntityType, type Schemas } from "./catalogue";
export { FinwiseClient, ServerError, type Connection } from "./client";
export {
  FinwiseTenantSpecificDB,
  databaseName,
  type Conflict,
  type QueueEntry,
  type RejectedEntry,
  type Row,
  type SyncMetadata,
  type Tombstone,
} from "./database";
export { TenantDbService, EntityExists, NoSuchEntity } from "./tenant_db_service";
export { Exchange, type Progress } from "./exchange";
export { BackgroundSync, type Options } from "./background";
export { stateAfter, type SyncState, type SyncStatus } from "./status";
export { newId } from "./identifiers";
