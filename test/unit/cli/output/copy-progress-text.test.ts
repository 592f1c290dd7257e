import { expect, test } from "vitest";
import { copyProgressText } from "../../../../src/cli/output/copy-progress-text.ts";

const nothing = { copied: 0, duplicates: 0, returned: 0, lag: null };

test("the progress of a copy is a bar with rate, lag and time left, as far as they are known", () => {
  expect(copyProgressText({ copied: 1_500, duplicates: 250, returned: 250, lag: 6_000 }, 1_000)).toBe(
    "[#####---------------] 25 % 1,500 messages copied, 1,000 a second, 6,000 behind, 6 s left",
  );
  expect(copyProgressText({ ...nothing, copied: 1, lag: 0 }, 1)).toBe(`[${"#".repeat(20)}] 100 % 1 message copied, 1 a second, 0 behind`);
  expect(copyProgressText({ ...nothing, lag: 10 }, 0)).toBe(`[${"-".repeat(20)}] 0 % 0 messages copied, 0 a second, 10 behind`);
  expect(copyProgressText({ ...nothing, lag: 0 }, 0)).toContain("100 %");
  expect(copyProgressText({ ...nothing, copied: 7 }, 3)).toBe("7 messages copied, 3 a second");
});
