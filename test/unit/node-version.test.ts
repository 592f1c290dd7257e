import { expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { connect } from "../../src/index.ts";
import { unsupportedNodeMessage } from "../../src/node-version.ts";

const LOWEST = /^>=(\d+\.\d+)$/.exec(manifest.engines.node)?.[1];

test("the lowest Node is the one that package.json names", () => {
  expect(unsupportedNodeMessage("0.1.0")).toBe(`streamport needs Node ${LOWEST} or newer; this is v0.1.0`);
});

test.each([`${LOWEST}.0`, `${LOWEST}.1`, "22.100.0", "23.0.0", "24.1.0-nightly", process.versions.node])("%s will do", (version) => {
  expect(unsupportedNodeMessage(version)).toBeNull();
});

test.each(["22.14.9", "20.20.2", "18.0.0", "9.15.0"])("%s is too old", (version) => {
  expect(unsupportedNodeMessage(version)).toContain(`this is v${version}`);
});

test("connect says so before it loads an adapter", async () => {
  const versions = Object.getOwnPropertyDescriptor(process, "versions")!;
  Object.defineProperty(process, "versions", { ...versions, value: { ...process.versions, node: "20.20.2" } });
  try {
    await expect(connect("kafka://127.0.0.1:1")).rejects.toMatchObject({
      code: "configuration",
      message: `streamport needs Node ${LOWEST} or newer; this is v20.20.2`,
    });
  } finally {
    Object.defineProperty(process, "versions", versions);
  }
});
