import { UrlSettings, decodeUrlPart, givenOnly } from "../../src/adapter-kit/index.ts";
import { type AwsCredentials, type Envelope, KINESIS_OPTIONS, type KinesisOptions } from "./options.ts";

const SETTINGS = ["endpoint", "leaseEndpoint", "envelope", "pollMs", "maxRequestBytes"];
const OF_A_TOPIC = "envelope.";

const WHO = "the access key in the URL";

/**
 * `kinesis://accessKeyId:secretAccessKey@eu-west-1?endpoint=http://localhost:4566&pollMs=200&envelope.orders=raw`
 * @throws `configuration`; no message repeats more of the URL than the names of settings
 */
export function parseKinesisUrl(url: string): KinesisOptions {
  const match = /^kinesis:\/\/(?:([^@/?#]*)@)?([^@/?#]*)\/?(?:\?([^#]*))?$/i.exec(url);
  if (match === null) {
    KINESIS_OPTIONS.refuse("a URL of the form kinesis://accessKeyId:secretAccessKey@region?setting=value is needed; kinesis:// is enough");
  }
  const [, userInfo, region = "", query = ""] = match;
  const ofTopics = [...new URLSearchParams(query).keys()].filter((name) => name.startsWith(OF_A_TOPIC) && name !== OF_A_TOPIC);
  const settings = new UrlSettings(query, KINESIS_OPTIONS, [...SETTINGS, ...ofTopics]);
  return givenOnly({
    region: region === "" ? undefined : decodeUrlPart(region, "the region in the URL", KINESIS_OPTIONS),
    endpoint: settings.text("endpoint"),
    leaseEndpoint: settings.text("leaseEndpoint"),
    credentials: credentialsOf(userInfo),
    envelope: envelopeOf(settings, ofTopics),
    pollMs: settings.number("pollMs", "milliseconds"),
    maxRequestBytes: settings.number("maxRequestBytes", "bytes"),
  });
}

function envelopeOf(settings: UrlSettings, ofTopics: readonly string[]): KinesisOptions["envelope"] {
  const forAll = settings.text("envelope") as Envelope | undefined;
  if (ofTopics.length === 0) return forAll;
  if (forAll !== undefined) KINESIS_OPTIONS.refuse("envelope is given for all topics, and for single ones besides");
  return Object.fromEntries(ofTopics.map((name) => [name.slice(OF_A_TOPIC.length), settings.text(name) as Envelope]));
}

function credentialsOf(userInfo: string | undefined): AwsCredentials | undefined {
  if (userInfo === undefined || userInfo === "") return undefined;
  const colon = userInfo.indexOf(":");
  if (colon === -1) KINESIS_OPTIONS.refuse("the access key in the URL has no secret: kinesis://accessKeyId:secretAccessKey@…");
  return {
    accessKeyId: decodeUrlPart(userInfo.slice(0, colon), WHO, KINESIS_OPTIONS),
    secretAccessKey: decodeUrlPart(userInfo.slice(colon + 1), WHO, KINESIS_OPTIONS),
  };
}
