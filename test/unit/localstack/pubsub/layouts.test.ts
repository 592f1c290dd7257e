import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { COMMON_LAYOUTS, PUBSUB_LAYOUTS, SERVICE_LAYOUTS } from "../../../../localstack/pubsub/wire/layouts.ts";

// The layouts of the emulator are those of the protos that Google's own client has.

interface Field {
  readonly id: number;
  readonly type: string;
  readonly rule?: string;
  readonly keyType?: string;
}

interface Namespace {
  readonly nested?: Readonly<Record<string, Namespace>>;
  readonly fields?: Readonly<Record<string, Field>>;
  readonly values?: object;
  readonly methods?: Readonly<Record<string, { requestType: string; responseType: string; requestStream?: boolean }>>;
}

const require = createRequire(import.meta.url);
const sdk = require.resolve("@google-cloud/pubsub");
const gaxProtos = join(dirname(createRequire(sdk).resolve("google-gax")), "../protos");
const roots = [sdkProtos(), ...["iam_service.json", "status.json"].map((file) => readProtos(join(gaxProtos, file)))];

function readProtos(file: string): Namespace {
  return JSON.parse(readFileSync(file, "utf8")) as Namespace;
}

/** Newer versions of the client keep its protos in a package of their own. */
function sdkProtos(): Namespace {
  const own = join(dirname(sdk), "../protos/protos.json");
  return readProtos(existsSync(own) ? own : join(dirname(createRequire(sdk).resolve("@google-cloud/pubsub-api")), "../protos/protos.json"));
}

function find(path: string): Namespace | undefined {
  for (const root of roots) {
    const found = path.split(".").reduce<Namespace | undefined>((space, name) => space?.nested?.[name], root);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As `google.pubsub.v1.Topic` or a nested type of the message. */
function resolve(type: string, message: string): string {
  const scopes = message.split(".");
  for (let depth = scopes.length; depth >= 0; depth -= 1) {
    const path = [...scopes.slice(0, depth), type].join(".");
    if (find(path) !== undefined) return path;
  }
  return type;
}

const kindOf = (type: string, message: string): string => {
  const path = resolve(type, message);
  const found = find(path);
  if (found?.values !== undefined) return "int32";
  return found === undefined ? type : `.${path}`;
};

const messages = Object.entries({ "google.pubsub.v1": PUBSUB_LAYOUTS, ...COMMON_LAYOUTS }).flatMap(([space, layouts]) =>
  Object.entries(layouts).map(([name, layout]) => ({ space, name, layout })),
);

/** Nested messages of the protos that stand on their own here. */
const NESTED: Readonly<Record<string, string>> = {
  AcknowledgeConfirmation: "StreamingPullResponse.AcknowledgeConfirmation",
  ModifyAckDeadlineConfirmation: "StreamingPullResponse.ModifyAckDeadlineConfirmation",
  SubscriptionProperties: "StreamingPullResponse.SubscriptionProperties",
};

test.each(messages)("$space.$name is laid out as in the protos", ({ space, name, layout }) => {
  const path = `${space}.${NESTED[name] ?? name}`;
  const known = find(path);
  expect(known, path).toBeDefined();
  for (const [field, text] of Object.entries(layout)) {
    const theirs = known?.fields?.[field] ?? Object.entries(known?.fields ?? {}).find(([other]) => camelCase(other) === field)?.[1];
    expect(theirs, `${path}.${field}`).toBeDefined();
    const [id, type, rule] = text.split(" ").toReversed();
    expect(Number(id), `${path}.${field}`).toBe(theirs!.id);
    if (type === "map") {
      expect([theirs!.keyType, theirs!.type], `${path}.${field}`).toEqual(["string", "string"]);
      continue;
    }
    expect(rule, `${path}.${field}`).toBe(theirs!.rule);
    const their = kindOf(theirs!.type, path);
    // A message that is only kept is declared as its bytes.
    if (type === "bytes" && their.startsWith(".")) continue;
    const own = type!.startsWith(".") ? type : /^[A-Z]/.test(type!) ? `.${space}.${NESTED[type!] ?? type}` : type;
    expect(own, `${path}.${field}`).toBe(their);
  }
});

test.each(Object.entries(SERVICE_LAYOUTS))("%s has the methods of the protos", (service, methods) => {
  const theirs = find(service)!.methods!;
  for (const [name, [request, response]] of Object.entries(methods)) {
    expect(theirs[name], name).toBeDefined();
    const plain = (type: string): string => type.slice(type.lastIndexOf(".") + 1);
    expect([plain(request), plain(response)], name).toEqual([plain(theirs[name]!.requestType), plain(theirs[name]!.responseType)]);
  }
  // All of the publisher and the subscriber are served.
  if (/Publisher|Subscriber/.test(service)) expect(Object.keys(methods).toSorted()).toEqual(Object.keys(theirs).toSorted());
});

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
