import { UrlSettings, decodeUrlPart, givenOnly } from "../../src/adapter-kit/index.ts";
import { PUBSUB_OPTIONS, type PubSubOptions } from "./options.ts";

const SETTINGS = ["endpoint", "seekSettlingMs", "quietMs", "googleEmulator", "exactlyOnce"];

/**
 * `pubsub://my-project?endpoint=https://europe-west1-pubsub.googleapis.com:443&quietMs=5000`
 * @throws `configuration`; no message repeats more of the URL than the names of settings
 */
export function parsePubSubUrl(url: string): PubSubOptions {
  const match = /^pubsub:\/\/([^@/?#]*)\/?(?:\?([^#]*))?$/i.exec(url);
  if (match === null) {
    PUBSUB_OPTIONS.refuse("a URL of the form pubsub://project?setting=value is needed; pubsub:// is enough. Credentials are no part of it");
  }
  const [, project = "", query = ""] = match;
  const settings = new UrlSettings(query, PUBSUB_OPTIONS, SETTINGS);
  return givenOnly({
    project: project === "" ? undefined : decodeUrlPart(project, "the project in the URL", PUBSUB_OPTIONS),
    endpoint: settings.text("endpoint"),
    seekSettlingMs: settings.number("seekSettlingMs", "milliseconds"),
    quietMs: settings.number("quietMs", "milliseconds"),
    googleEmulator: settings.boolean("googleEmulator"),
    exactlyOnce: settings.boolean("exactlyOnce"),
  });
}
