import type { Fault, FaultKind } from "../../src/driver/index.ts";
import type { EmulatorTopic } from "../emulator.ts";
import { cannotListen, listeningAddress } from "../listening-address.ts";
import { requireOpen } from "../require-open.ts";
import { type PlannedAnswer, plannedAnswer } from "./faults/fault-effect.ts";
import { loadLibrary } from "./library.ts";
import type { EmulatorCore } from "./server/emulator-core.ts";
import { PubSubServer } from "./server/pubsub-server.ts";
import { createEmulatorTopic, endStreams, expireTopic } from "./topic-control.ts";

export interface EmulatedPubSubOptions {
  /** The port. @default a free one */
  readonly port?: number | undefined;
  /** The address of this machine on which the emulator listens; `0.0.0.0`: all addresses. @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** The name by which clients reach it. @default `host`; 127.0.0.1 if `host` is all addresses */
  readonly advertisedHost?: string | undefined;
  readonly topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** The project of these topics and of the URL. @default streamport-emulator */
  readonly project?: string | undefined;
  /** The projects that exist besides. @default every one */
  readonly projects?: readonly string[] | undefined;
  /** How long calls do not find a new subscription. @default 0 */
  readonly visibilityDelayMs?: number | undefined;
  /** The servers that take messages: by how much the clock of each differs. A server serves an ordering key; calls without one take turns. @default one that does not differ */
  readonly publishClocksMs?: readonly number[] | undefined;
  /** How long a second of an ack deadline is, so that tests need not wait for 10 of them. @default 1_000 */
  readonly secondMs?: number | undefined;
  /** If a kind of fault has several variants (README.md), they take turns. The first fault of a kind begins with this one. @default 0 */
  readonly firstFaultTurn?: number | undefined;
}

/** Google Cloud Pub/Sub in this process and its memory. `README.md` lists what it does not do. After `close`, methods fail with `closed`. */
export interface EmulatedPubSub extends AsyncDisposable {
  /** The URL for `connect`. */
  readonly url: string;
  /** `host:port`, for `apiEndpoint` and `PUBSUB_EMULATOR_HOST` of Google's clients. */
  readonly apiEndpoint: string;
  readonly project: string;
  /** For programs that use Google's clients. */
  readonly environment: Readonly<Record<string, string>>;
  /** With a retention of 7 days, so that it can be replayed, unless given otherwise. Rejects with `already-exists`, `invalid-argument` */
  createTopic(topic: string, settings?: EmulatorTopic): Promise<void>;
  readonly faultKinds: readonly FaultKind[];
  /** Plans a fault of the vocabulary that all emulators share. @throws `invalid-argument` · `unsupported` for an operation that its calls are not of */
  inject(fault: Fault): void;
  /** Withdraws the faults that have not been applied yet. */
  clearFaults(): void;
  /** Plans a status as the answer to calls of one method, or failures of ack ids. */
  answerWith(answer: PlannedAnswer): void;
  /** Drops everything that is stored now, also unacknowledged, as retention does once it has passed. Rejects with `not-found` */
  expire(topic: string): Promise<void>;
  /** Ends all streams of a topic's subscriptions with this status of gRPC. What is outstanding stays so. Rejects with `not-found` */
  endStreams(topic: string, code: number): Promise<void>;
  /** Lets this time pass at once: deadlines, retention, the lives of snapshots and subscriptions. @throws `invalid-argument` */
  advance(ms: number): void;
  /** Breaks all connections, and refuses calls for a moment. Streams end, and leases run out. Resolves when it is over. */
  restart(): Promise<void>;
  /** Drops all messages. Never rejects. */
  close(): Promise<void>;
}

const DEFAULT_PROJECT = "streamport-emulator";
/** Nothing settles here: a seek holds at once, and what is stored is delivered at once. */
const SETTLING = "seekSettlingMs=0&quietMs=100";

/** @throws `configuration` for a port that is taken, or a library that is not installed · `invalid-argument` for invalid topics */
export async function startEmulatedPubSub(options: EmulatedPubSubOptions = {}): Promise<EmulatedPubSub> {
  const { port = 0, topics = {}, project = DEFAULT_PROJECT, projects } = options;
  const { host, advertisedHost } = listeningAddress(options);
  const { visibilityDelayMs = 0, publishClocksMs = [], secondMs = 1_000, firstFaultTurn = 0 } = options;
  const server = new PubSubServer(await loadLibrary(), host, {
    projects: projects === undefined ? null : new Set([project, ...projects]),
    visibilityDelayMs,
    publishClocksMs,
    secondMs,
    firstFaultTurn,
  });
  const { core } = server;
  let isClosed = false;
  const close = async (): Promise<void> => {
    isClosed = true;
    await server.close();
  };
  try {
    await server.listen(port);
    for (const [topic, settings] of Object.entries(topics)) createEmulatorTopic(core, project, topic, settings);
  } catch (error) {
    await close();
    throw cannotListen("pubsub", "the emulated Pub/Sub", { host, port }, error);
  }
  const apiEndpoint = `${advertisedHost}:${server.port}`;
  const opened = (): EmulatorCore => {
    requireOpen("pubsub", isClosed);
    return core;
  };
  return {
    url: `pubsub://${project}?endpoint=${encodeURIComponent(`http://${apiEndpoint}`)}&${SETTLING}`,
    apiEndpoint,
    project,
    environment: { PUBSUB_EMULATOR_HOST: apiEndpoint, GOOGLE_CLOUD_PROJECT: project },
    createTopic: async (topic, settings = {}) => createEmulatorTopic(opened(), project, topic, settings),
    faultKinds: core.faults.kinds,
    inject: (fault) => opened().faults.inject(fault),
    clearFaults: () => {
      const { faults, invalidMessages } = opened();
      faults.clear();
      invalidMessages.clear();
    },
    answerWith: (answer) => opened().faults.plan(plannedAnswer(answer)),
    expire: async (topic) => expireTopic(opened(), project, topic),
    endStreams: async (topic, code) => endStreams(opened(), project, topic, code),
    advance: (ms) => opened().clock.advance(ms),
    restart: async () => {
      opened().restart();
      await core.whenUp();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
