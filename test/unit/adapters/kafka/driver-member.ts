import { loadKafkaOpener } from "../../../../adapters/kafka/open.ts";
import type {
  Assignment,
  ConsumerDriver,
  ConsumerSettings,
  DriverReport,
  HandledAhead,
  ProviderDriver,
  Sink,
  StoredRecord,
  StreamError,
} from "../../../../src/driver/index.ts";
import { until } from "../../../kafka/group-watch.ts";

const { signal } = new AbortController();

/** @param called gets the name of each request */
export async function openDriver(url: string, called: (operation: string) => void = () => undefined): Promise<ProviderDriver> {
  const listen = (report: DriverReport): void => {
    if (report.kind === "call") called(report.operation);
  };
  return (await loadKafkaOpener())(url).open({ report: Object.assign(listen, { wants: () => true }) });
}

/** What the driver said about one partition, in order: `deliver 3`, `forget 7`, … */
type Told = string;

/** A member of a group as the driver sees the core. The test decides what is handled, and when there is room for more records. */
export class DriverMember implements Sink {
  readonly told: Told[] = [];
  readonly assignments: Assignment[] = [];
  readonly lostAssignments: Assignment[] = [];
  readonly values = new Map<string, string>();
  failure: StreamError | undefined;
  readonly #consumer: ConsumerDriver;
  /** Resolves the deliveries that wait. `null`: there is always room. */
  #room: PromiseWithResolvers<void> | null = null;
  #left: Promise<void> | undefined;

  private constructor(driver: ProviderDriver, topic: string, settings: Partial<ConsumerSettings>) {
    this.#consumer = driver.consumer(topic, {
      group: "workers",
      nativeGroup: undefined,
      initialPosition: { kind: "earliest" },
      sessionTimeoutMs: 1_000,
      maxBufferedBytes: 16_384,
      ...settings,
    });
  }

  /** Joins the group, and waits for the first assignment, unless the member gets none. */
  static async join(
    driver: ProviderDriver,
    topic: string,
    settings: Partial<ConsumerSettings> & { readonly hasRoom?: boolean; readonly isAssigned?: boolean } = {},
  ): Promise<DriverMember> {
    const { hasRoom = true, isAssigned = true, ...rest } = settings;
    const member = new DriverMember(driver, topic, rest);
    if (!hasRoom) member.#room = Promise.withResolvers<void>();
    await member.#consumer.start(member, signal);
    if (isAssigned) await until(() => member.assignments.length > 0, "an assignment");
    return member;
  }

  /** The latest assignment. */
  get assignment(): Assignment {
    return this.assignments.at(-1)!;
  }

  /** Positions of the delivered records under the latest assignment. */
  get delivered(): readonly number[] {
    const since = this.told.lastIndexOf("assigned");
    return this.told.slice(since).flatMap((line) => (line.startsWith("deliver ") ? [Number(line.slice("deliver ".length))] : []));
  }

  get forgotten(): readonly string[] {
    return this.told.filter((line) => line.startsWith("forget "));
  }

  /** Waits until the record at this position is delivered under the latest assignment. */
  async read(position: number): Promise<void> {
    await until(() => (this.delivered.at(-1) ?? -1) >= position, `the record at ${position}`);
  }

  makeRoom(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  /** The result of a settlement under the latest assignment. */
  async settle(through: number | null, ahead: HandledAhead | null, assignment = this.assignment): Promise<StreamError | null> {
    const position = through === null ? null : String(through);
    const [result] = await this.#consumer.settle([{ assignment, through: position, records: [], ended: false, ahead }], signal);
    return result!;
  }

  /** Waits until the ownership is lost and the next one has begun. */
  async reassigned(after: number): Promise<Assignment> {
    await until(() => this.assignments.length > after, "the next assignment", 20_000);
    return this.assignment;
  }

  /** May be called again. */
  leave(): Promise<void> {
    this.makeRoom();
    this.#left ??= this.#consumer.close();
    return this.#left;
  }

  joined(): void {}

  rejoining(): void {}

  assigned(assignment: Assignment): void {
    this.assignments.push(assignment);
    this.told.push("assigned");
  }

  async deliver(assignment: Assignment, records: readonly StoredRecord[]): Promise<void> {
    if (assignment !== this.assignment) return;
    for (const { position, value } of records) {
      this.told.push(`deliver ${position}`);
      this.values.set(position, Buffer.from(value ?? []).toString());
    }
    await this.#room?.promise;
  }

  async unreadable(_assignment: Assignment, { first, last }: { readonly first: string; readonly last: string }): Promise<void> {
    this.told.push(`unreadable ${first}-${last}`);
  }

  advanced(_assignment: Assignment, through: string): void {
    this.told.push(`advanced ${through}`);
  }

  forgetAhead(assignment: Assignment, from: string): void {
    if (assignment === this.assignment) this.told.push(`forget ${from}`);
  }

  caughtUp(): void {}

  ended(): void {}

  async revoking(): Promise<void> {}

  lost(assignment: Assignment): void {
    this.lostAssignments.push(assignment);
  }

  async gap(): Promise<void> {}

  failed(error: StreamError): void {
    this.failure = error;
  }
}

/** Everything up to a position, except these. */
export function upTo(position: number, ...except: readonly number[]): HandledAhead {
  return { upTo: String(position), except: except.map(String) };
}
