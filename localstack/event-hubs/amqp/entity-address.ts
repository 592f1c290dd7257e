/** What the address of a link names. */
export type EntityAddress =
  | { readonly kind: "tokens" }
  | { readonly kind: "management" }
  | { readonly kind: "hub"; readonly hub: string; readonly partition: string | null }
  | { readonly kind: "reader"; readonly hub: string; readonly group: string; readonly partition: string };

const PATH = /^([^/]+)(?:\/ConsumerGroups\/([^/]+))?(?:\/Partitions\/([^/]+))?\/?$/i;

/**
 * @param terminus the source or target of a link. Its address is `orders/ConsumerGroups/billing/Partitions/0`, or a whole URL, as Python sends it
 * @returns `null` where it names nothing
 */
export function addressOf(terminus: unknown): EntityAddress | null {
  const { address } = (terminus ?? {}) as { readonly address?: string | null };
  if (address === undefined || address === null) return null;
  const path = address.replace(/^[a-z]+:\/\/[^/]*\//i, "").replace(/^\//, "");
  if (path === "$cbs") return { kind: "tokens" };
  if (path === "$management" || path.endsWith("/$management")) return { kind: "management" };
  const [, hub, group, partition] = PATH.exec(path) ?? [];
  if (hub === undefined) return null;
  if (group === undefined) return { kind: "hub", hub, partition: partition ?? null };
  return partition === undefined ? null : { kind: "reader", hub, group, partition };
}

/** As tokens name it, in lower case. */
export function pathOf(address: EntityAddress & { readonly kind: "hub" | "reader" }): string {
  const group = address.kind === "reader" ? `/ConsumerGroups/${address.group}` : "";
  const partition = address.partition === null ? "" : `/Partitions/${address.partition}`;
  return `${address.hub}${group}${partition}`.toLowerCase();
}
