import { Token } from 'aws-cdk-lib';
import type { Schedule } from 'aws-cdk-lib/aws-events';
import type { Problems } from '../problems';

const RATE = /^rate\(([0-9]+) ([a-z]+)\)$/;
const CRON = /^cron\(\S+( \S+){5}\)$/;
const ALLOWED =
  'rate(1 minute), rate(N minutes|hours|days) with N of 2 or more, or cron(...) with six fields';

/**
 * Checks a schedule as far as it matters before deployment: `Schedule.expression` takes any text.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 */
export function checkSchedule(schedule: Schedule | undefined, problems: Problems): void {
  const expression = schedule?.expressionString;
  if (expression === undefined || Token.isUnresolved(expression) || CRON.test(expression)) return;
  const [, number, unit = ''] = RATE.exec(expression) ?? [];
  if (/^(millisecond|second)s?$/.test(unit)) {
    problems.add('schedule', expression, `nothing faster than rate(1 minute): ${ALLOWED}`);
  } else if (!isRate(Number(number), unit)) {
    problems.add('schedule', expression, ALLOWED);
  }
}

/** One takes the singular, more take the plural: EventBridge refuses `rate(1 minutes)`. */
function isRate(number: number, unit: string): boolean {
  return number === 1 ? /^(minute|hour|day)$/.test(unit) : number > 1 && /^(minutes|hours|days)$/.test(unit);
}
