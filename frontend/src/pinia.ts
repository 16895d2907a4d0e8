export { useTenantStore } from "./stores/tenant";
export { useSyncStore } from "./stores/sync";
