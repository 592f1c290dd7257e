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
  readonly #made: CaseTopic[] = [];
  readonly #groups = new Map<string, string[]>();
  readonly #groupsGiven: { readonly topic: string; readonly group: string }[] = [];
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
    const name = `${this.#prefix}-${this.#made.length}`;
    const { partitions = DEFAULT_TOPIC.partitions, ...rest } = settings;
    const wanted: TopicSettings = this.#connection.capabilities.partitions ? { partitions, ...rest } : rest;
    if (this.#connection.capabilities.topicAdmin) {
      await this.admin.createTopic(name, wanted);
    } else if (this.#target.emulator !== undefined) {
      const groups = Array.from({ length: GROUPS_OF_A_TOPIC }, (_, index) => `${name}-group-${index}`);
      await this.#target.emulator.createTopic(name, { ...wanted, groups });
      this.#groups.set(name, groups);
    } else {
      return this.#lendTopic();
    }
    const topic: CaseTopic = { name, partitions: await this.#partitionsOf(name), start: "earliest" };
    this.#made.push(topic);
    return topic;
  }

  /** A group without a position on this topic. */
  async group(topic: CaseTopic): Promise<string> {
    const given = this.#groupsGiven.length;
    const prepared = this.#groups.get(topic.name);
    const group = prepared === undefined ? `${this.#prefix}-group-${given}` : prepared.shift();
    if (group === undefined) throw new EnvironmentMissing("groups: more for one topic than there are");
    this.#groupsGiven.push({ topic: topic.name, group });
    if (this.#lent.has(topic.name)) await this.#forget(topic.name, group);
    return group;
  }

  /** A name that nothing has. */
  unusedName(): string {
    return `${this.#prefix}-unused`;
  }

  /**
   * Gives back what was made, over a connection of its own, after the case has closed its own: groups have no members then.
   * What cannot be given back stays; it is in nobody's way, for its name never comes again.
   */
  async release(): Promise<void> {
    const { topicAdmin, groupAdmin } = this.#connection.capabilities;
    if (!topicAdmin || this.#made.length === 0) return;
    const connection = await this.#target.connect();
    const admin = connection.admin as Admin<Capability>;
    if (groupAdmin) await Promise.allSettled(this.#groupsGiven.map(({ topic, group }) => admin.deleteGroup(topic, group)));
    await Promise.allSettled(this.#made.map(({ name }) => admin.deleteTopic(name)));
    await connection.close();
  }

  async #lendTopic(): Promise<CaseTopic> {
    const name = this.#target.topics?.find((candidate) => !this.#lent.has(candidate));
    if (name === undefined) throw new EnvironmentMissing("topics: this provider cannot create them and none more is given");
    this.#lent.add(name);
    const partitions = await this.#partitionsOf(name);
    if (this.#connection.capabilities.partitions && partitions.length < 2) {
      throw new EnvironmentMissing(`topics: ${name} has a single partition, several are needed`);
    }
    this.#groups.set(name, [...(this.#target.groups ?? [])]);
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
