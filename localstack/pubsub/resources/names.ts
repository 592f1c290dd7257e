import { Code, Refusal } from "../refusal.ts";

type Collection = "topics" | "subscriptions" | "snapshots" | "schemas";

/** https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names: 3 to 255 characters that begin with a letter, and not with `goog`. */
const ID = /^(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/;

/** The names of projects are those of Resource Manager, or of a domain: `example.com:flights`. */
const PROJECT = /^projects\/([a-z0-9.:-]+)$/i;

/** @throws `Refusal` (INVALID_ARGUMENT) for a name that a resource of this collection cannot have */
export function checkName(collection: Collection, name: string): void {
  const [, project, id] = new RegExp(`^(projects/[^/]+)/${collection}/([^/]+)$`).exec(name) ?? [];
  if (project === undefined || id === undefined || !PROJECT.test(project) || !ID.test(id)) {
    throw new Refusal(Code.invalidArgument, `Invalid [${collection}] name: (name=${name}).`);
  }
}

/** @returns `flights` of `projects/flights/topics/delays`. @throws `Refusal` (INVALID_ARGUMENT) */
export function projectOf(name: string): string {
  const [, project] = PROJECT.exec(name.split("/").slice(0, 2).join("/")) ?? [];
  if (project === undefined) throw new Refusal(Code.invalidArgument, `Invalid [projects] name: (name=${name}).`);
  return project;
}

/** @throws `Refusal` (INVALID_ARGUMENT) */
export function checkLabels(labels: Readonly<Record<string, string>>, most: number): void {
  const names = Object.keys(labels);
  if (names.length > most) throw new Refusal(Code.invalidArgument, `There are ${names.length} labels; the maximum is ${most}.`);
  for (const [name, value] of Object.entries(labels)) {
    // https://cloud.google.com/pubsub/docs/create-topic#labels: lower-case letters of any script, digits, _ and -.
    if (/^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(name) && /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(value)) continue;
    throw new Refusal(Code.invalidArgument, `Invalid label: (${name}=${value}).`);
  }
}

/** Those of the project, by name. */
export function inProject<Resource extends { readonly name: string }>(all: readonly Resource[], project: string): readonly Resource[] {
  return all.filter(({ name }) => name.startsWith(`projects/${project}/`)).toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
