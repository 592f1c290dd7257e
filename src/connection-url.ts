import { StreamError } from "./errors.ts";
import { showName } from "./option-rules.ts";

/** The parts of a connection URL that are the same for every provider. */
export interface ConnectionUrl {
  readonly scheme: string;
  /** For the adapter: without the settings that belong to the core. May hold credentials: never show it. */
  readonly adapterUrl: string;
  /** `?topic.orders=orders-v1-eu` */
  readonly topics: Readonly<Record<string, string>>;
  /** `?group.billing=…` */
  readonly groups: Readonly<Record<string, string>>;
}

/**
 * `new URL` refuses `kafka://a:9092,b:9092`, so this function splits off the scheme and the query; the adapter parses the rest.
 * @param plannedSchemes those that a later version will know: they get an error of their own
 * @throws `configuration`; no message repeats more of the URL than its scheme and the names of settings
 */
export function parseConnectionUrl(url: string, knownSchemes: readonly string[], plannedSchemes: readonly string[] = []): ConnectionUrl {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && plannedSchemes.includes(scheme)) {
    const there = knownSchemes.join(", ");
    throw new StreamError("configuration", `the provider ${scheme} is not part of this version; there are ${there}`, { provider: scheme });
  }
  if (scheme === undefined || !knownSchemes.includes(scheme)) {
    throw new StreamError(
      "configuration",
      `there is no provider for this URL: received ${received(url, scheme)}; known are ${knownSchemes.join(", ")}`,
    );
  }
  const question = url.indexOf("?");
  if (question === -1) return { scheme, adapterUrl: url, topics: {}, groups: {} };
  const topics: Record<string, string> = {};
  const groups: Record<string, string> = {};
  const rest: string[] = [];
  for (const part of url.slice(question + 1).split("&")) {
    const [name, value] = decodeSetting(part);
    if (name.startsWith("topic.")) setName(topics, "topic", name.slice("topic.".length), value);
    else if (name.startsWith("group.")) setName(groups, "group", name.slice("group.".length), value);
    else if (part !== "") rest.push(part);
  }
  const query = rest.length === 0 ? "" : `?${rest.join("&")}`;
  return { scheme, adapterUrl: url.slice(0, question) + query, topics, groups };
}

/** `host:9092`, and lists of such: without this check `localhost:9092` would have the scheme "localhost". */
const HOST_AND_PORT = /^[^/?#@:]+:\d+(?:,[^/?#@]*)?(?:[/?#]|$)/;

/** The message repeats no host: a host with its port may be a user name with its password. */
function received(url: string, scheme: string | undefined): string {
  if (HOST_AND_PORT.test(url)) return "a host and a port without a scheme (did you mean kafka://HOST:PORT?)";
  if (scheme !== undefined) return `the scheme ${showName(scheme)}`;
  return `text of ${url.length} characters without a scheme, which a URL begins with (kafka://HOST:PORT)`;
}

function decodeSetting(part: string): [name: string, value: string] {
  const equals = part.indexOf("=");
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text.replaceAll("+", " "));
    } catch (cause) {
      // The URIError holds no part of the text.
      throw new StreamError("configuration", "a setting in the query of the URL is not percent-encoded correctly", { cause });
    }
  };
  return equals === -1 ? [decode(part), ""] : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
}

function setName(names: Record<string, string>, kind: "topic" | "group", name: string, nativeName: string): void {
  if (name === "" || nativeName === "" || Object.hasOwn(names, name)) {
    throw new StreamError(
      "configuration",
      `the setting "${kind}.${name}" must be given once, as ${kind}.NAME=NATIVE-NAME with two non-empty names`,
    );
  }
  Object.defineProperty(names, name, { value: nativeName, enumerable: true });
}
