import { abortable, neverAborted } from "../abortable.ts";
import type { Capability } from "../capabilities.ts";
import { checkOptions, describeValue, rules } from "../checked-options.ts";
import type { GroupName } from "../driver/admin-driver.ts";
import { StreamError } from "../errors.ts";
import type { CallOptions } from "../options.ts";
import { checkedTopicName } from "../topic-name.ts";
import type { AdminServices } from "./admin-services.ts";
import type { Admin } from "./admin-types.ts";

/** One call of the administration: what it is called, what it is about, and what the caller said about it. */
export interface AdminCall {
  readonly operation: `admin.${string}`;
  readonly signal: AbortSignal;
  requireCapability(capability: Capability): void;
}

/**
 * Runs one call. Rejects with the signal's reason as soon as that aborts, also while the driver hangs; with everything else
 * as a `StreamError` of this operation.
 */
export async function adminCall<Result>(
  services: AdminServices,
  name: Exclude<keyof Admin, "capabilities">,
  topic: unknown,
  options: CallOptions | undefined,
  work: (call: AdminCall) => Promise<Result>,
): Promise<Result> {
  const operation = `admin.${name}` as const;
  let given: AbortSignal | undefined;
  try {
    checkOptions("call options", options ?? {}, { signal: rules.abortSignal });
    given = options?.signal;
    given?.throwIfAborted();
    services.requireOpen(operation);
    const call: AdminCall = {
      operation,
      signal: given ?? neverAborted(),
      requireCapability: (capability) => services.requireCapability(capability, operation),
    };
    return await abortable(work(call), given);
  } catch (error) {
    given?.throwIfAborted();
    throw services.toError(error, operation, typeof topic === "string" && topic !== "" ? topic : undefined);
  }
}

/** The provider's own name of a topic, judged before anything is asked. @throws `invalid-argument` */
export function requireTopic(services: AdminServices, topic: unknown): string {
  return checkedTopicName(services.driver, topic, (name) => services.nativeTopic(name));
}

/** @throws `invalid-argument` */
export function requireGroup(services: AdminServices, group: unknown): GroupName {
  if (typeof group === "string" && group !== "") return { group, nativeGroup: services.nativeGroup(group) };
  throw new StreamError("invalid-argument", `invalid group name: a non-empty string is needed; received ${describeValue(group)}`);
}
