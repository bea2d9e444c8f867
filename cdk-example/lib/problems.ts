import { Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Collects the mistakes in a construct's props, so that all of them are told at once. Values that are
 * only known when the stack is deployed (tokens) are let through: the function checks those.
 */
export class Problems {
  private readonly found: string[] = [];

  /** A mistake, in the words that the function itself uses: the property, what was given, and what is allowed. */
  public add(property: string, given: string, allowed: string): void {
    this.found.push(`${property}: given ${given}, allowed is ${allowed}`);
  }

  /** Checks a whole number that may be absent. */
  public integer(property: string, value: number | undefined, least: number, most: number): void {
    if (value === undefined || Token.isUnresolved(value)) return;
    if (!Number.isInteger(value) || value < least || value > most) {
      this.add(property, String(value), `a whole number from ${least} to ${most}`);
    }
  }

  /** @throws an error that lists everything that was found, if anything was. */
  public throwIn(scope: IConstruct): void {
    if (this.found.length === 0) return;
    const path = scope.node.path;
    throw new Error(
      `${path} cannot be deployed like this:\n${this.found.map((line) => `  - ${line}`).join('\n')}`,
    );
  }
}
