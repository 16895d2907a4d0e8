export { useTenantStore } from "./stores/tenant.js";
export { useSyncStore } from "./stores/sync.js";
export { shelvedBooks, type ShelvedBook } from "./shelf.js";
