import type { Capabilities } from "../capabilities.ts";
import { OpenConnection } from "../connection.ts";
import type { Connection } from "../connection-types.ts";
import type { ComparePositions } from "../position/place.ts";
import type { TopicIdentity } from "../position/position.ts";
import { sourceIdOf } from "../provenance.ts";
import { sideCall } from "./side-call.ts";
import type { TopicContext } from "../topic-context.ts";

/** One topic on one connection. */
export interface Side {
  connection: Connection;
  topic: string;
}

/** A side as the steps use it. */
export interface OpenSide {
  readonly context: TopicContext;
  readonly identity: TopicIdentity;
  /** `sourceIdOf` the topic as it is now. */
  readonly id: string;
  readonly compare: ComparePositions;
}

/** Looks the topic up. @throws `not-found` · `closed` · what the driver throws */
export async function openSide({ connection, topic }: Side, operation: string, signal?: AbortSignal): Promise<OpenSide> {
  const context = OpenConnection.inspectionOf(connection).topicContext(topic);
  const identity = await sideCall(context, operation, signal, (attempt) => context.driver.identity(context.nativeTopic, attempt));
  return { context, identity, id: sourceIdOf(context.provider, identity), compare: (a, b) => context.driver.compare(a, b) };
}

/** Of the topic, which may have fewer than its provider. @throws a `StreamError` · the signal's reason */
export async function capabilitiesOf({ context }: OpenSide, operation: string, signal: AbortSignal): Promise<Capabilities> {
  return await sideCall(context, operation, signal, (attempt) => context.driver.topicCapabilities(context.nativeTopic, attempt));
}
