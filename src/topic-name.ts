import type { Driver } from "./driver/provider-driver.ts";
import { StreamError } from "./errors.ts";
import { describeValue, showName } from "./option-rules.ts";

/**
 * The provider's own name of a topic, checked before any request is made. The name in the code may be any non-empty string: where
 * the application maps it to a native name, the provider has to take only the native one.
 * @throws `invalid-argument`
 */
export function checkedTopicName(
  provider: string,
  driver: Pick<Driver, "refuseTopicName">,
  topic: unknown,
  nativeTopic: (topic: string) => string,
): string {
  if (typeof topic !== "string" || topic === "") {
    const received = describeValue(topic);
    throw new StreamError("invalid-argument", `invalid topic name: a non-empty string is needed; received ${received}`, { provider });
  }
  const nativeName = nativeTopic(topic);
  const why = driver.refuseTopicName(nativeName);
  if (why === null) return nativeName;
  throw new StreamError("invalid-argument", `invalid topic name ${showName(nativeName)}: ${why}`, { provider, topic });
}
