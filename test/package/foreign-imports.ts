import type { ImportEdge } from "./import-graph.ts";
import { ADAPTER_SDKS, EMULATOR_LIBRARIES } from "./provider-libraries.ts";

/**
 * The imports of what ships that lead outside of the tree and may not be there. Allowed are Node's own modules; in the command line its
 * parser; in an adapter its own SDK and in an emulator's `library` file its own library, lazily and as optional peers.
 */
export function foreignImports(built: readonly ImportEdge[], optionalPeers: ReadonlySet<string>): readonly ImportEdge[] {
  const isLazyPeer = ({ to, kind }: ImportEdge): boolean => kind === "dynamic" && optionalPeers.has(packageOf(to));
  return built.filter((edge) => {
    const { from, to } = edge;
    if (isOfTheTree(edge) || (to.startsWith("node:") && to !== "node:test")) return false;
    if (from.startsWith("src/cli/") && to === "commander") return false;
    const adapter = /^adapters\/([^/]+)\//.exec(from)?.[1] ?? "";
    const emulator = /^localstack\/([^/]+)\/library\./.exec(from)?.[1] ?? "";
    const own = [...(ADAPTER_SDKS[adapter] ?? []), ...(EMULATOR_LIBRARIES[emulator] ?? [])];
    return !(isLazyPeer(edge) && own.includes(packageOf(to)));
  });
}

export function isOfTheTree({ to }: ImportEdge): boolean {
  return /^(src|adapters|localstack|test)\//.test(to);
}

function packageOf(name: string): string {
  return name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
}
