/** What a device knows of itself and of the server, in its own book. */

import type { DeviceState, FinwiseTenantSpecificDB } from "./database";
import { newId } from "./identifiers";

/** The device's state; made when it is asked for the first time. */
export async function device(db: FinwiseTenantSpecificDB): Promise<DeviceState> {
  const known = await db.syncDevice.get("device");
  if (known) return known;
  const made: DeviceState = { key: "device", device_id: newId(), offset: 0 };
  await db.syncDevice.put(made);
  return made;
}

/** The device's state with some of it changed. */
export async function putDevice(db: FinwiseTenantSpecificDB, changed: Partial<DeviceState>): Promise<void> {
  await db.syncDevice.put({ ...(await device(db)), ...changed });
}
