import { expect, test } from "vitest";
import { sdkNotLoaded } from "../../../src/adapter-kit/sdk-not-loaded.ts";

const REQUIRED = { provider: "filelog", adapter: "Filelog", sdk: "the SDK", packages: ["one", "two"], known: "from version 3 on" };

test("a missing SDK is one to install", () => {
  const cause = Object.assign(new Error("Cannot find package 'one'"), { code: "ERR_MODULE_NOT_FOUND" });
  const error = sdkNotLoaded(REQUIRED, cause);
  expect(error).toMatchObject({ code: "configuration", provider: "filelog", cause });
  expect(error.message).toBe("the Filelog adapter needs the packages one and two, known to work from version 3 on: npm install one two");
  expect(sdkNotLoaded({ ...REQUIRED, packages: ["one"], install: "one@3" }, cause).message).toBe(
    "the Filelog adapter needs the package one, known to work from version 3 on: npm install one@3",
  );
});

test("an SDK that is there and cannot be loaded is not one to install", () => {
  const cause = new SyntaxError("Unexpected token");
  const text = "the SDK is installed but could not be loaded; it is known to work from version 3 on. The cause says why";
  expect(sdkNotLoaded(REQUIRED, cause)).toMatchObject({ code: "configuration", message: text, cause });
});
