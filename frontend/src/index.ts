export {
  ENTITY_TYPES,
  isEntityType,
  type Data,
  type Entity,
  type EntityType,
  type Given,
  type Schemas,
} from "./catalogue.js";
export {
  FinwiseClient,
  ServerError,
  type BookFileType,
  type Connection,
  type ExportOptions,
  type ImportOptions,
} from "./client.js";
export {
  FinwiseTenantSpecificDB,
  databaseName,
  type Conflict,
  type QueueEntry,
  type RejectedEntry,
  type Row,
  type SyncMetadata,
  type Tombstone,
  type Warned,
} from "./database.js";
export { TenantDbService, EntityExists, NoSuchEntity, type Change, type Named, type New } from "./tenant_db_service.js";
export { TooManyTogether } from "./edits.js";
export { Exchange, type Progress } from "./exchange.js";
export { BackgroundSync, type Options } from "./background.js";
export { stateAfter, type SyncState, type SyncStatus } from "./status.js";
export { StorageError, storageCode, type StorageCode } from "./storage.js";
export { oddEntities, type OddEntity } from "./warnings.js";
export { shrinkImage } from "./images.js";
export { Settings } from "./settings.js";
export { newId } from "./identifiers.js";
