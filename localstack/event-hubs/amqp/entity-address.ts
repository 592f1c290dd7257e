/** What the address of a link names. */
export type EntityAddress =
  | { readonly kind: "tokens" }
  | { readonly kind: "management" }
  | { readonly kind: "hub"; readonly hub: string; readonly partition: string | null }
  | { readonly kind: "reader"; readonly hub: string; readonly group: string; readonly partition: string };

const PATH = /^([^/]+)(?:\/ConsumerGroups\/([^/]+))?(?:\/Partitions\/([^/]+))?\/?$/i;

/** @param address as in a link: `orders/ConsumerGroups/billing/Partitions/0`, or as a whole URL, as Python sends it. `null`: it names nothing */
export function parseAddress(address: string | undefined): EntityAddress | null {
  if (address === undefined || address === null) return null;
  const path = address.replace(/^[a-z]+:\/\/[^/]*\//i, "").replace(/^\//, "");
  if (path === "$cbs") return { kind: "tokens" };
  if (path === "$management" || path.endsWith("/$management")) return { kind: "management" };
  const [, hub, group, partition] = PATH.exec(path) ?? [];
  if (hub === undefined) return null;
  if (group === undefined) return { kind: "hub", hub, partition: partition ?? null };
  return partition === undefined ? null : { kind: "reader", hub, group, partition };
}
