import type { ImportEdge } from "./import-graph.ts";

/** The libraries that emulators are made of, by the emulator's folder. Applications that run no such emulator do not install them. */
const EMULATOR_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  kinesis: ["dynalite"],
  "event-hubs": ["rhea"],
  pubsub: ["@grpc/grpc-js", "@grpc/proto-loader"],
};

/**
 * The imports of what ships that lead outside of the tree and may not be there. Allowed are Node's own modules; in the command line its
 * parser; in an adapter its SDK and in an emulator's `library` file its own library, lazily and as optional peers.
 */
export function foreignImports(built: readonly ImportEdge[], optionalPeers: ReadonlySet<string>): readonly ImportEdge[] {
  const isLazyPeer = ({ to, kind }: ImportEdge): boolean => kind === "dynamic" && optionalPeers.has(packageOf(to));
  return built.filter((edge) => {
    const { from, to } = edge;
    if (isOfTheTree(edge) || (to.startsWith("node:") && to !== "node:test")) return false;
    if (from.startsWith("src/cli/") && to === "commander") return false;
    if (/^adapters\/[^/]+\//.test(from)) return !isLazyPeer(edge);
    const emulator = /^localstack\/([^/]+)\/library\./.exec(from)?.[1] ?? "";
    return !(isLazyPeer(edge) && EMULATOR_LIBRARIES[emulator]?.includes(packageOf(to)) === true);
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
