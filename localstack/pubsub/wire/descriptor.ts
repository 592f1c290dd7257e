import { COMMON_LAYOUTS, type MessageLayout, PUBSUB_LAYOUTS, SERVICE_LAYOUTS, STREAMING_METHODS } from "./layouts.ts";

/** A namespace in the JSON form of protobuf.js, which `@grpc/proto-loader` reads: https://github.com/protobufjs/protobuf.js. */
export interface NamespaceJson {
  nested: Record<string, NamespaceJson | TypeJson | ServiceJson>;
}

interface TypeJson {
  fields: Record<string, FieldJson>;
}

interface FieldJson {
  type: string;
  id: number;
  rule?: "repeated";
  keyType?: "string";
}

interface ServiceJson {
  methods: Record<string, { requestType: string; responseType: string; requestStream?: true; responseStream?: true }>;
}

/** All layouts as one description. */
export function pubSubDescriptor(): NamespaceJson {
  const root: NamespaceJson = { nested: {} };
  for (const [space, layouts] of Object.entries({ "google.pubsub.v1": PUBSUB_LAYOUTS, ...COMMON_LAYOUTS })) {
    const { nested } = namespaceOf(root, space);
    for (const [name, layout] of Object.entries(layouts)) nested[name] = typeOf(layout);
  }
  for (const [service, methods] of Object.entries(SERVICE_LAYOUTS)) {
    const at = service.lastIndexOf(".");
    namespaceOf(root, service.slice(0, at)).nested[service.slice(at + 1)] = serviceOf(methods);
  }
  return root;
}

function namespaceOf(root: NamespaceJson, space: string): NamespaceJson {
  return space.split(".").reduce((outer, name) => (outer.nested[name] ??= { nested: {} }) as NamespaceJson, root);
}

function typeOf(layout: MessageLayout): TypeJson {
  return { fields: Object.fromEntries(Object.entries(layout).map(([name, text]) => [name, fieldOf(text)])) };
}

function fieldOf(text: string): FieldJson {
  const [id, type, rule] = text.split(" ").toReversed() as [string, string, string?];
  if (type === "map") return { keyType: "string", type: "string", id: Number(id) };
  return { type, id: Number(id), ...(rule === "repeated" ? { rule } : {}) };
}

function serviceOf(methods: Readonly<Record<string, readonly [string, string]>>): ServiceJson {
  return {
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, [requestType, responseType]]) => [
        name,
        { requestType, responseType, ...(STREAMING_METHODS.has(name) ? { requestStream: true, responseStream: true } : {}) },
      ]),
    ),
  };
}
