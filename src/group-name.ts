import type { GroupName } from "./driver/admin-driver.ts";
import type { Driver } from "./driver/provider-driver.ts";
import { StreamError } from "./errors.ts";
import { describeValue, showName } from "./option-rules.ts";

/**
 * A group with the provider's own name of it, checked before any request is made. The name in the code may be any non-empty string where
 * the application maps it to a native name.
 * @throws `invalid-argument`
 */
export function checkedGroupName(
  provider: string,
  driver: Pick<Driver, "refuseGroupName">,
  group: unknown,
  nativeGroup: (group: string) => string | undefined,
): GroupName {
  if (typeof group !== "string" || group === "") {
    const received = describeValue(group);
    throw new StreamError("invalid-argument", `invalid group name: a non-empty string is needed; received ${received}`, { provider });
  }
  const name = { group, nativeGroup: nativeGroup(group) };
  const why = driver.refuseGroupName(name);
  if (why === null) return name;
  throw new StreamError("invalid-argument", `invalid group name ${showName(name.nativeGroup ?? group)}: ${why}`, { provider });
}
