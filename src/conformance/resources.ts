import type { Admin, TopicSettings } from "../admin/admin-types.ts";
import type { Capability } from "../capabilities.ts";
import type { Connection } from "../connection-types.ts";
import { isStreamError } from "../errors.ts";
import { EnvironmentMissing } from "./case-outcome.ts";
import { type CaseTopic, DEFAULT_TOPIC } from "./case-topic.ts";
import { plainBytes } from "./plain-codecs.ts";
import type { ConformanceTarget } from "./target.ts";

/** Groups that a topic made through an emulator is given, for providers where groups must exist first. */
const GROUPS_OF_A_TOPIC = 4;

/**
 * Topics and groups for one case: made by the public administration where there is one, else by the emulator, else lent
 * from the target's own lists. Names are new in each run, so that cases can share a target and a failed run leaves nothing
 * that disturbs the next.
 */
export class CaseResources {
  readonly #target: ConformanceTarget;
  readonly #connection: Connection;
  readonly #prefix: string;
  /** Of topics that this made, or may have made: they are here from before the call. */
  readonly #made = new Set<string>();
  readonly #creations: Promise<void>[] = [];
  /** Groups that exist before they are used, by topic. */
  readonly #prepared = new Map<string, string[]>();
  readonly #groups: { readonly topic: string; readonly group: string }[] = [];
  readonly #leftBehind = new Set<string>();
  readonly #lent = new Set<string>();

  constructor(target: ConformanceTarget, connection: Connection) {
    this.#target = target;
    this.#connection = connection;
    this.#prefix = `case-${crypto.randomUUID().slice(0, 8)}`;
  }

  /** Every call, also those whose capability the types cannot know: what is missing refuses at run time. */
  get admin(): Admin<Capability> {
    return this.#connection.admin as Admin<Capability>;
  }

  async topic(settings: TopicSettings): Promise<CaseTopic> {
    const { topicAdmin, partitions: hasPartitions } = this.#connection.capabilities;
    if (!topicAdmin && this.#target.topics !== undefined) return this.#lendTopic(this.#target.topics);
    const name = `${this.#prefix}-${this.#creations.length}`;
    const { partitions = DEFAULT_TOPIC.partitions, ...rest } = settings;
    const wanted: TopicSettings = hasPartitions ? { partitions, ...rest } : rest;
    const creation = topicAdmin ? this.#create(name, wanted) : this.#createByEmulator(name, wanted);
    this.#creations.push(creation);
    await creation;
    return { name, partitions: await this.#partitionsOf(name), start: "earliest" };
  }

  /** A group without a position on this topic. */
  async group(topic: CaseTopic): Promise<string> {
    const prepared = this.#prepared.get(topic.name);
    const group = prepared === undefined ? `${this.#prefix}-group-${this.#groups.length}` : prepared.shift();
    if (group === undefined) throw new EnvironmentMissing("groups: more for one topic than there are");
    this.#groups.push({ topic: topic.name, group });
    if (this.#lent.has(topic.name)) await this.#forget(topic.name, group);
    return group;
  }

  /** A name that nothing has. */
  unusedName(): string {
    return `${this.#prefix}-unused`;
  }

  /**
   * Gives back what was made, over a connection of its own, after the case has closed its own. A case that was ended in the
   * middle may still be creating a topic, and its members may still be leaving.
   * @param patience ends the attempts
   */
  async release(patience: AbortSignal): Promise<void> {
    if (this.#made.size === 0) return;
    await Promise.allSettled(this.#creations);
    const { groupAdmin } = this.#connection.capabilities;
    const groups = groupAdmin ? this.#groups.filter(({ topic }) => this.#made.has(topic)) : [];
    const giveBack = async (what: string, deletion: () => Promise<void>): Promise<void> => {
      if (await insistOn(deletion, patience)) this.#leftBehind.delete(what);
    };
    const describeGroup = ({ topic, group }: (typeof groups)[number]): string => `group ${group} of topic ${topic}`;
    for (const group of groups) this.#leftBehind.add(describeGroup(group));
    for (const name of this.#made) this.#leftBehind.add(`topic ${name}`);
    const connection = await this.#target.connect();
    const admin = connection.admin as Admin<Capability>;
    await Promise.all(groups.map(async (group) => giveBack(describeGroup(group), async () => admin.deleteGroup(group.topic, group.group))));
    await Promise.all([...this.#made].map(async (name) => giveBack(`topic ${name}`, async () => admin.deleteTopic(name))));
    await connection.close();
  }

  /** What `release` could not give back, so far. The names never come again: they are in the way of no other case. */
  get leftBehind(): readonly string[] {
    return [...this.#leftBehind];
  }

  async #create(name: string, settings: TopicSettings): Promise<void> {
    this.#made.add(name);
    await this.admin.createTopic(name, settings);
  }

  async #createByEmulator(name: string, settings: TopicSettings): Promise<void> {
    if (this.#target.emulator === undefined) throw new EnvironmentMissing("topics: this provider cannot create them and none are given");
    const groups = Array.from({ length: GROUPS_OF_A_TOPIC }, (_, index) => `${name}-group-${index}`);
    await this.#target.emulator.createTopic(name, { ...settings, groups });
    this.#prepared.set(name, groups);
  }

  async #lendTopic(topics: readonly string[]): Promise<CaseTopic> {
    const name = topics.find((candidate) => !this.#lent.has(candidate));
    if (name === undefined) throw new EnvironmentMissing("topics: this provider cannot create them and no more are given");
    this.#lent.add(name);
    const partitions = await this.#partitionsOf(name);
    if (this.#connection.capabilities.partitions && partitions.length < 2) {
      throw new EnvironmentMissing(`topics: ${name} has a single partition, several are needed`);
    }
    this.#prepared.set(name, [...(this.#target.groups ?? [])]);
    const reader = this.#connection.topic(name, { codec: plainBytes }).reader({ from: "latest" });
    const bookmark = await reader.bookmark();
    await reader.close();
    return { name, partitions, start: { bookmark } };
  }

  /** A lent group may have a position from an earlier case. */
  async #forget(topic: string, group: string): Promise<void> {
    if (!this.#connection.capabilities.groupAdmin)
      throw new EnvironmentMissing("groups: given ones cannot be made to forget where they are");
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

/** Until it is done or was done before. @returns whether it is; false for what another attempt does not mend, and when patience ends */
async function insistOn(deletion: () => Promise<void>, patience: AbortSignal): Promise<boolean> {
  for (let pauseMs = 20; ; pauseMs = Math.min(500, pauseMs * 2)) {
    try {
      await deletion();
      return true;
    } catch (error) {
      if (isStreamError(error, "not-found")) return true;
      // "conflict": a group whose last member has not left yet.
      const mayPass = isStreamError(error) && (error.retryable || error.code === "conflict");
      if (!mayPass || patience.aborted) return false;
    }
    await new Promise<void>((resolve) => void setTimeout(resolve, pauseMs));
  }
}
