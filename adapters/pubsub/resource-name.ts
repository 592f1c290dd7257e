/** 3 to 255 characters, not beginning with "goog": https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
const NAME = /^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/;
const FULL = /^projects\/([^/]+)\/(?:topics|subscriptions)\/([^/]+)$/;

/** The name within its project: `flights` of `projects/p/topics/flights`. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** @returns why the name cannot be that of a topic, or `null` if it can */
export function refuseTopicName(name: string): string | null {
  return refuseName(name, "topics");
}

/** @returns why the name cannot be that of a subscription, or `null` if it can */
export function refuseSubscriptionName(name: string): string | null {
  return refuseName(name, "subscriptions");
}

function refuseName(name: string, collection: "topics" | "subscriptions"): string | null {
  const full = FULL.exec(name);
  if (NAME.test(full === null ? name : full[2]!) && (full === null || name.includes(`/${collection}/`))) return null;
  const noun = collection === "topics" ? "topic" : "subscription";
  return `a ${noun}'s name has 3 to 255 of the characters a-z, A-Z, 0-9 and "-._~+%", begins with a letter and not with "goog", or is projects/…/${collection}/…; received ${JSON.stringify(name.slice(0, 80))}`;
}

/** The complete name that the service knows. Another project's resource has it as its native name. */
export function fullName(project: string, collection: "topics" | "subscriptions" | "snapshots", name: string): string {
  return name.startsWith("projects/") ? name : `projects/${project}/${collection}/${name}`;
}

/** The subscription of a group. */
export function subscriptionOf(
  topic: string,
  { group, nativeGroup }: { readonly group: string; readonly nativeGroup: string | undefined },
): string {
  return nativeGroup ?? `${idOf(topic)}.${group}`;
}
