/** What a device knows of itself and of the server, in its own book. */

import type { DeviceState, FinwiseTenantSpecificDB, Reload } from "./database.js";
import { newId } from "./identifiers.js";

/** The device's state; made when it is asked for the first time. */
export function device(db: FinwiseTenantSpecificDB): Promise<DeviceState> {
  return db.transaction("rw", db.syncDevice, async () => {
    const known = await db.syncDevice.get("device");
    if (known) return known;
    const made: DeviceState = { key: "device", device_id: newId(), offset: 0 };
    await db.syncDevice.put(made);
    return made;
  });
}

/** The device's state with some of it changed. */
export function putDevice(db: FinwiseTenantSpecificDB, changed: Partial<DeviceState>): Promise<void> {
  return db.transaction("rw", db.syncDevice, async () => {
    await db.syncDevice.put({ ...(await device(db)), ...changed });
  });
}

/** Has the next sync load the whole book. That a restored server has to be given things back is not forgotten for less. */
export function askForReload(db: FinwiseTenantSpecificDB, reload: Reload): Promise<void> {
  return db.transaction("rw", db.syncDevice, async () => {
    const due = (await device(db)).reload;
    if (due?.reason !== "epoch_changed" || reload.reason === "epoch_changed") await putDevice(db, { reload });
  });
}
