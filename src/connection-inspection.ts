import { abortable } from "./abortable.ts";
import { type ListedGroups, listedGroups, planReset } from "./admin/group-admin.ts";
import type { CallOptions } from "./call-options.ts";
import type { ConnectionServices } from "./connection-services.ts";
import type { Permission } from "./driver/permission.ts";
import type { ReachedPart } from "./driver/provider-driver.ts";
import type { PartitionPlace } from "./position/place.ts";
import { topicContext } from "./topic.ts";
import type { TopicContext } from "./topic-context.ts";
import type { From } from "./position/range-types.ts";

/** What the command line and migrations ask of a connection that is not part of `Connection`. */
export interface ConnectionInspection {
  /** From now on each call is tried once, so that the doctor sees every failure as it is. */
  tryOnce(): void;
  /** The further parts of the provider, and whether they can be reached. @returns `null` where the adapter does not report it */
  reach(signal: AbortSignal): Promise<readonly ReachedPart[] | null>;
  /**
   * What the caller may do with the topic and, where one is named, the group.
   * @returns `null` where the adapter does not report it. @throws `not-found` · what the provider says
   */
  permissions(topic: string, group: string | undefined, signal: AbortSignal): Promise<readonly Permission[] | null>;
  /** The topic's groups, including those that no name of this connection means. */
  listedGroups(topic: string, options?: CallOptions): Promise<ListedGroups>;
  /** Where `admin.resetGroup` would put the group, by partition. Moves nothing. */
  planReset(topic: string, group: string, to: From): Promise<ReadonlyMap<string, PartitionPlace>>;
  /** The inner interface of a topic, for work on records as they are. @throws `closed` · `invalid-argument` for a name that the provider does not take */
  topicContext(topic: string): TopicContext;
}

export function createInspection(services: ConnectionServices, tryOnce: () => void): ConnectionInspection {
  const { driver } = services;
  const call = async <Answer>(
    operation: string,
    topic: string | undefined,
    signal: AbortSignal,
    ask: () => Promise<Answer>,
  ): Promise<Answer> => {
    try {
      return await abortable(ask(), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw services.toError(error, { operation, topic });
    }
  };
  return {
    tryOnce,
    reach: async (signal) => {
      if (driver.reach === undefined) return null;
      return call("check", undefined, signal, async () => driver.reach!(signal));
    },
    permissions: async (topic, group, signal) => {
      const { admin } = driver;
      if (admin.permissions === undefined) return null;
      return call("admin.permissions", topic, signal, async () => {
        const nativeTopic = services.checkedNativeTopic(topic);
        const name = group === undefined ? null : services.checkedGroup(group);
        return admin.permissions!(nativeTopic, name, signal);
      });
    },
    listedGroups: (topic, options) => listedGroups(services, topic, options),
    planReset: (topic, group, to) => planReset(services, topic, group, to),
    topicContext: (topic) => {
      services.requireOpen("topic");
      return topicContext(services, topic);
    },
  };
}
