import type { StartPoint } from "../position/place.ts";
import { type CheckedPoint, readForm } from "../position/place-forms.ts";
import { checkFrom } from "../position/start-point.ts";
import type { TopicServices } from "./consumer-options.ts";

const WHERE = "consumer options: initialPosition";

/**
 * Where a group without a position starts: the forms of a reader's `from`, except a position, which speaks of one partition
 * only; and `"fail"`.
 * @throws `invalid-argument` · `unsupported` (`startAtTimestamp`)
 */
export function checkInitialPosition(initial: unknown, context: TopicServices): CheckedPoint<StartPoint | "fail"> {
  const form = readForm(WHERE, initial, ["earliest", "latest", "fail"], ["timestamp", "bookmark"]);
  if (form === "fail") return { partition: null, resolve: async () => form };
  const { provider, capabilities } = context;
  return checkFrom(WHERE, initial, null, {
    provider,
    capabilities,
    requireCapability: (capability) => context.requireCapability(capability, "consume"),
  });
}
