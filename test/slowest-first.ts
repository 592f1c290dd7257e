import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Folders whose files take long, the longest first. Without the results of an earlier run the runner goes by the size of a file, and a run
 * of the suite, which takes a minute, is a small file: it would begin last, and everything else would have ended before it.
 */
const SLOW = [
  "test/conformance/",
  "test/package/",
  "test/mutants/",
  "test/kafka/",
  "test/cli/",
  "test/readme/",
  "test/unit/leases/",
  "test/migration/",
];

/** The files of slow folders first, each folder and all others as the runner would order them. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const root = `${this.ctx.config.root}/`;
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = SLOW.findIndex((folder) => moduleId.startsWith(root + folder));
      return index === -1 ? SLOW.length : index;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
