import type { OpenDriver } from "../src/driver/provider-driver.ts";

/** Provider id, which is also the URL scheme, to the adapter's opener; an adapter is loaded when its scheme is first used. */
export const registry: Readonly<Record<string, () => Promise<OpenDriver>>> = {
  memory: async () => (await import("./memory/open.ts")).openMemory,
  kafka: async () => (await import("./kafka/open.ts")).loadKafkaOpener(),
};
