import type { ProviderDriver } from "./driver/provider-driver.ts";
import { StreamError } from "./errors.ts";
import { describeValue, showName } from "./option-rules.ts";

/**
 * The provider's own name of a topic, judged before anything is asked. The name in the code need only be one: where another
 * stands for it, that is the one that the provider has to take.
 * @throws `invalid-argument`
 */
export function checkedTopicName(
  driver: Pick<ProviderDriver, "provider" | "refuseTopicName">,
  topic: unknown,
  nativeTopic: (topic: string) => string,
): string {
  const { provider } = driver;
  if (typeof topic !== "string" || topic === "") {
    const received = describeValue(topic);
    throw new StreamError("invalid-argument", `invalid topic name: a non-empty string is needed; received ${received}`, { provider });
  }
  const nativeName = nativeTopic(topic);
  const why = driver.refuseTopicName(nativeName);
  if (why === null) return nativeName;
  throw new StreamError("invalid-argument", `invalid topic name ${showName(nativeName)}: ${why}`, { provider, topic });
}
