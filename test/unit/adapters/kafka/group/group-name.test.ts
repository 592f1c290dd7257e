import { expect, test } from "vitest";
import { refuseGroupName } from "../../../../../adapters/kafka/group/group-name.ts";

const refused = (group: string, nativeGroup?: string): string | null => refuseGroupName({ group, nativeGroup });

test("a group's name fits into a string of the protocol, together with the topic where there is no native name", () => {
  for (const name of ["a", "a b/é", "x".repeat(32_517)]) expect(refused(name)).toBeNull();
  expect(refused("é".repeat(16_259))).toMatch(/at most 32517 bytes of UTF-8; received 32518$/);
  expect(refused("a", "x".repeat(32_767))).toBeNull();
  expect(refused("a", "x".repeat(32_768))).toMatch(/at most 32767 bytes of UTF-8; received 32768$/);
});

test("half of a surrogate pair is refused, because UTF-8 would make two names the same", () => {
  expect(refused("\ud800")).toMatch(/well-formed Unicode/);
  expect(refused("\ud800", "a")).toBeNull();
});
