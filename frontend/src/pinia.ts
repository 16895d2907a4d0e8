export { useTenantStore } from "./stores/tenant.js";
export { useSyncStore } from "./stores/sync.js";
