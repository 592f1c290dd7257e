import type { Admin } from "../admin/admin-types.ts";
import type { Capability } from "../capabilities.ts";
import type { Connection } from "../connection-types.ts";
import { isStreamError } from "../errors.ts";
import type { TopicSettings } from "../topic-settings.ts";
import { showError } from "./assertions.ts";
import type { CaseDeadline } from "./case-deadline.ts";
import { EnvironmentMissing } from "./case-outcome.ts";
import { type CaseTopic, DEFAULT_TOPIC } from "./case-topic.ts";
import { plainBytes } from "./plain-codecs.ts";
import type { ConformanceTarget, Emulator } from "./target.ts";

/** The number of groups of a topic that an emulator creates, for providers where groups must exist first. */
const GROUPS_OF_A_TOPIC = 4;

/**
 * Topics and groups for one case. They are lent from the lists of the target if it has any; else the public administration creates
 * them if there is one; else the emulator does. Created ones have names that are new in each run, so that cases can share a
 * target and a failed run leaves nothing that disturbs the next run.
 */
export class CaseResources {
  readonly #target: ConformanceTarget;
  readonly #connection: Connection;
  readonly #prefix: string;
  /** Topics that were created, or may have been. They are added before the call, and confirmed once it has succeeded. */
  readonly #made = new Map<string, { confirmed: boolean }>();
  readonly #creations: Promise<void>[] = [];
  #topicCount = 0;
  /** Groups that exist before they are used, by topic. */
  readonly #prepared = new Map<string, string[]>();
  /** Groups of topics that were created, whose positions are deleted with them. */
  readonly #groups: { readonly topic: string; readonly group: string }[] = [];
  /** What is not deleted yet, each with the last error. */
  readonly #notCleanedUp = new Map<string, string>();
  readonly #lent = new Set<string>();
  readonly #lateMs: number;

  constructor(target: ConformanceTarget, connection: Connection, deadline: Pick<CaseDeadline, "longEnough">) {
    this.#target = target;
    this.#lateMs = deadline.longEnough(LATE_MS, LATE_CALLS);
    this.#connection = connection;
    this.#prefix = `case-${crypto.randomUUID().slice(0, 8)}`;
  }

  /**
   * All calls, also those whose capability the types cannot know: a missing capability is refused at run time. Topics that a case
   * creates with it are deleted too; lent topics are not changed.
   */
  get admin(): Admin<Capability> {
    const admin = this.#connection.admin as Admin<Capability>;
    if (this.#target.topics !== undefined && this.#connection.capabilities.topicAdmin) {
      return { ...admin, createTopic: isLent, updateTopic: isLent, deleteTopic: isLent };
    }
    return { ...admin, createTopic: async (...args) => this.#create(args[0], admin.createTopic(...args)) };
  }

  async topic(settings: TopicSettings): Promise<CaseTopic> {
    const { topicAdmin, partitions: hasPartitions } = this.#connection.capabilities;
    const { emulator, topics } = this.#target;
    if (topics !== undefined) return this.#lendTopic(topics);
    if (!topicAdmin && emulator === undefined) throw new EnvironmentMissing("topics: this provider cannot create them, and none are lent");
    const name = `${this.#prefix}-${this.#topicCount++}`;
    const { partitions = DEFAULT_TOPIC.partitions, ...rest } = settings;
    const wanted: TopicSettings = hasPartitions ? { partitions, ...rest } : rest;
    await (topicAdmin || emulator === undefined ? this.admin.createTopic(name, wanted) : this.#createByEmulator(emulator, name, wanted));
    return { name, partitions: await this.#partitionsOf(name), start: "earliest" };
  }

  /**
   * A group without a position on this topic.
   * @param name used only where a group begins with its first member: a group of that name on another topic is another group
   */
  async group(topic: CaseTopic, name = `${this.#prefix}-group-${this.#groups.length}`): Promise<string> {
    const prepared = this.#prepared.get(topic.name);
    const group = prepared === undefined ? name : prepared.shift();
    if (group === undefined) throw new EnvironmentMissing("groups: the case needs more for one topic than there are");
    if (prepared !== undefined && this.#lent.has(topic.name)) await this.#deletePosition(topic.name, group);
    else this.#groups.push({ topic: topic.name, group });
    return group;
  }

  /** How many more groups there are for a topic; infinite where groups begin with their first member. */
  groupsLeft(topic: CaseTopic): number {
    return this.#prepared.get(topic.name)?.length ?? Number.POSITIVE_INFINITY;
  }

  /** A name that no topic and no group has. */
  unusedName(): string {
    return `${this.#prefix}-unused`;
  }

  /** A name that no topic has. @throws EnvironmentMissing where the user may not see whether a topic exists */
  async missingTopic(): Promise<string> {
    const name = this.unusedName();
    if (this.#target.topics === undefined) return name;
    try {
      await this.#connection.admin.describeTopic(name);
    } catch (error) {
      if (isStreamError(error, "permission-denied")) throw new EnvironmentMissing("topics: only those that are lent are visible");
    }
    return name;
  }

  /** Resolves when no creation of a topic is under way. A case that was ended in the middle does not wait for that itself. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#creations);
  }

  /**
   * Deletes what was created, over a connection of its own, after the case has closed its connections.
   * @param cutShort the case was ended in the middle, so groups of its members may still appear
   * @param deadline ends the attempts
   */
  async release(cutShort: boolean, deadline: AbortSignal): Promise<void> {
    const groups = this.#connection.capabilities.groupAdmin ? this.#groups : [];
    if (this.#made.size === 0 && groups.length === 0) return;
    const deleteOne = async (what: string, deletion: () => Promise<void>, mayBeLate: boolean): Promise<void> => {
      const onRefusal = (error: unknown): void => void this.#notCleanedUp.set(what, showError(error));
      const maySeeFaults = this.#target.emulator !== undefined;
      if (await deleteRepeatedly(deletion, deadline, { lateMs: mayBeLate ? this.#lateMs : 0, maySeeFaults, onRefusal }))
        this.#notCleanedUp.delete(what);
    };
    const describeGroup = ({ topic, group }: (typeof groups)[number]): string => `group ${group} of topic ${topic}`;
    const all = [...groups.map(describeGroup), ...[...this.#made.keys()].map((name) => `topic ${name}`)];
    for (const what of all) this.#notCleanedUp.set(what, "no answer");
    const connection = await this.#target.connect().catch((error: unknown) => {
      for (const what of all) this.#notCleanedUp.set(what, showError(error));
      throw error;
    });
    const admin = connection.admin as Admin<Capability>;
    await Promise.all(
      groups.map(async (group) => deleteOne(describeGroup(group), async () => admin.deleteGroup(group.topic, group.group), cutShort)),
    );
    await Promise.all(
      [...this.#made].map(async ([name, { confirmed }]) => deleteOne(`topic ${name}`, async () => admin.deleteTopic(name), !confirmed)),
    );
    await connection.close();
  }

  /** What `release` has not deleted so far, each with the reason. The names are never used again, so this disturbs no other case. */
  get notCleanedUp(): readonly string[] {
    return [...this.#notCleanedUp].map(([what, reason]) => `${what}: ${reason}`);
  }

  async #create(name: string, creation: Promise<void>): Promise<void> {
    if (!this.#connection.capabilities.topicAdmin) return creation;
    this.#creations.push(creation);
    const made = this.#made.get(name) ?? { confirmed: false };
    this.#made.set(name, made);
    await creation;
    made.confirmed = true;
  }

  async #createByEmulator(emulator: Emulator, name: string, settings: TopicSettings): Promise<void> {
    const groups = Array.from({ length: GROUPS_OF_A_TOPIC }, (_, index) => `${name}-group-${index}`);
    await emulator.createTopic(name, { ...settings, groups });
    this.#prepared.set(name, groups);
  }

  async #lendTopic(topics: readonly string[]): Promise<CaseTopic> {
    const name = topics.find((candidate) => !this.#lent.has(candidate));
    if (name === undefined) throw new EnvironmentMissing("topics: the case needs more than are lent");
    this.#lent.add(name);
    const partitions = await this.#partitionsOf(name);
    if (this.#connection.capabilities.partitions && partitions.length < 2) {
      throw new EnvironmentMissing(`topics: ${name} has a single partition, several are needed`);
    }
    const { groups } = this.#target;
    // A provider that can create topics has groups that begin with their first member.
    if (groups !== undefined || !this.#connection.capabilities.topicAdmin) this.#prepared.set(name, [...(groups ?? [])]);
    const reader = this.#connection.topic(name, { codec: plainBytes }).reader({ from: "latest" });
    const bookmark = await reader.bookmark();
    await reader.close();
    return { name, partitions, start: { bookmark } };
  }

  /** A lent group may have a position from an earlier case. */
  async #deletePosition(topic: string, group: string): Promise<void> {
    if (!this.#connection.capabilities.groupAdmin) throw new EnvironmentMissing("groups: the positions of lent ones cannot be deleted");
    try {
      await this.admin.deleteGroup(topic, group);
    } catch (error) {
      if (!isStreamError(error, "not-found")) throw error;
    }
  }

  async #partitionsOf(name: string): Promise<readonly string[]> {
    return (await this.#connection.admin.describeTopic(name)).partitions;
  }
}

async function isLent(): Promise<never> {
  throw new EnvironmentMissing("topics: those that are lent are neither changed nor deleted, and no others are created");
}

/** How long after a call of unknown outcome its topic or group may still appear. */
const LATE_MS = 1_000;
const LATE_CALLS = 4;

/**
 * Repeats the deletion until it succeeds or there is nothing to delete.
 * @param circumstances.lateMs how long a topic or group that does not exist may still appear
 * @param circumstances.maySeeFaults a refusal may be a fault that the case injected and that has affected no other call
 * @returns true once it is deleted; false for an error that another attempt cannot change, and at the deadline
 */
async function deleteRepeatedly(
  deletion: () => Promise<void>,
  deadline: AbortSignal,
  circumstances: { readonly lateMs: number; readonly maySeeFaults: boolean; readonly onRefusal: (error: unknown) => void },
): Promise<boolean> {
  const { lateMs, maySeeFaults, onRefusal } = circumstances;
  const lateUntil = performance.now() + lateMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(500, pauseMs * 2)) {
    try {
      await deletion();
      return true;
    } catch (error) {
      const isGone = isStreamError(error, "not-found");
      if (isGone && performance.now() >= lateUntil) return true;
      onRefusal(error);
      // "conflict": a group whose last member has not left yet.
      const mayPass = maySeeFaults || isGone || (isStreamError(error) && (error.retryable || error.code === "conflict"));
      if (!mayPass || deadline.aborted) return false;
    }
    await new Promise<void>((resolve) => void setTimeout(resolve, pauseMs));
  }
}
