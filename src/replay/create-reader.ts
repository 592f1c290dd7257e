import type { TopicContext } from "../topic-context.ts";
import { RangeReader } from "./range-reader.ts";
import { planReader } from "./reader-plan.ts";
import type { Reader, ReaderOptions } from "./reader-types.ts";

/**
 * A reader of the topic; makes no call to the provider before it is iterated or asked for its bookmark.
 * @throws `invalid-argument` · `unsupported` · `position-mismatch` (a token of another provider)
 */
export function createReader<T, Input>(context: TopicContext<T, Input>, options: ReaderOptions | undefined = {}): Reader<T> {
  try {
    return new RangeReader<T>(context, planReader(context, options));
  } catch (error) {
    throw context.toError(error, "read");
  }
}
