import { Option } from "commander";

/** An option that names what a command works on: `requireNames` takes a word without an option as meant for it. */
export class NameOption extends Option {
  readonly isRequired: boolean;

  constructor(flags: string, description: string, { isRequired = false }: { readonly isRequired?: boolean } = {}) {
    super(flags, description);
    this.isRequired = isRequired;
  }
}

/** One that the command cannot do without. */
export function requiredName(flags: string, description: string): NameOption {
  return new NameOption(flags, description, { isRequired: true });
}
