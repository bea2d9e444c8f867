import { Token, type Duration } from 'aws-cdk-lib';
import {
  AlbNlbHealthCheckProtocol,
  attributesOf,
  targetGroupArnOf,
  type AlbNlbHealthCheck,
  type AlbNlbListener,
} from '../listener';
import type { Problems } from '../problems';

/** What only a target group that the binding makes can be given. */
const OF_MADE_GROUPS = [
  'healthCheck',
  'deregistrationDelay',
  'connectionTermination',
  'preserveClientIp',
  'stickiness',
  'crossZone',
  'attributes',
  'idleTimeout',
] as const;

/** Checks everything about listeners that needs to look at nothing else. */
export function checkListeners(listeners: readonly AlbNlbListener[], problems: Problems): void {
  if (listeners.length < 1 || listeners.length > 50) {
    problems.add('listeners', `a list of ${listeners.length}`, '1 to 50');
  }
  listeners.forEach((listener, index) => {
    checkListener(`listeners[${index}]`, listener, problems);
  });
  checkDuplicates(listeners, problems);
}

function checkListener(path: string, listener: AlbNlbListener, problems: Problems): void {
  problems.integer(`${path}.port`, listener.port, 1, 65535);
  problems.integer(`${path}.albPort`, listener.albPort, 1, 65535);
  problems.integer(`${path}.targetPort`, listener.targetPort, 1, 65535);
  if (listener.albPort !== undefined && listener.targetPort !== undefined) {
    problems.add(
      `${path}.targetPort`,
      String(listener.targetPort),
      'absent next to albPort, which is another name of it',
    );
  }
  checkSeconds(`${path}.deregistrationDelay`, listener.deregistrationDelay, 0, 3600, problems);
  checkSeconds(`${path}.idleTimeout`, listener.idleTimeout, 60, 6000, problems);
  if (listener.targetGroup !== undefined) {
    for (const name of OF_MADE_GROUPS.filter((name) => listener[name] !== undefined)) {
      problems.add(
        `${path}.${name}`,
        'a value',
        'absent next to targetGroup, for a given target group and its listener are never changed',
      );
    }
  }
  for (const key of Object.keys(listener.attributes ?? {})) {
    if (attributesOf(listener).has(key)) {
      problems.add(`${path}.attributes`, key, 'a key that no other property of the listener stands for');
    }
  }
  if (listener.healthCheck) checkHealthCheck(`${path}.healthCheck`, listener.healthCheck, problems);
}

function checkHealthCheck(path: string, check: AlbNlbHealthCheck, problems: Problems): void {
  problems.integer(`${path}.port`, check.port, 1, 65535);
  problems.integer(`${path}.healthyThresholdCount`, check.healthyThresholdCount, 2, 10);
  problems.integer(`${path}.unhealthyThresholdCount`, check.unhealthyThresholdCount, 2, 10);
  const interval = checkSeconds(`${path}.interval`, check.interval, 5, 300, problems) ?? 30;
  const timeout = checkSeconds(`${path}.timeout`, check.timeout, 2, 120, problems);
  if (timeout !== undefined && !check.interval?.isUnresolved() && timeout >= interval) {
    problems.add(
      `${path}.timeout`,
      `${timeout} seconds`,
      `less than the interval, which is ${interval} seconds`,
    );
  }
  if ((check.protocol ?? AlbNlbHealthCheckProtocol.TCP) === AlbNlbHealthCheckProtocol.TCP) {
    for (const name of ['path', 'healthyHttpCodes'] as const) {
      if (check[name] !== undefined)
        problems.add(`${path}.${name}`, check[name], 'absent unless protocol is HTTP or HTTPS');
    }
  }
  if (check.path !== undefined && !Token.isUnresolved(check.path) && !check.path.startsWith('/')) {
    problems.add(`${path}.path`, check.path, 'a path that starts with /');
  }
}

/** The seconds of a duration that is known now. */
function checkSeconds(
  property: string,
  duration: Duration | undefined,
  least: number,
  most: number,
  problems: Problems,
): number | undefined {
  if (!duration || duration.isUnresolved()) return undefined;
  const seconds = duration.toSeconds({ integral: false });
  problems.integer(property, seconds, least, most);
  return seconds;
}

/** A port can have one listener, and a target group takes each of the ALB's ports once. */
function checkDuplicates(listeners: readonly AlbNlbListener[], problems: Problems): void {
  const ports = new Map<number, number>();
  const groups = new Map<string, number>();
  listeners.forEach((listener, index) => {
    const group = targetGroupArnOf(listener);
    if (group === undefined) {
      const first = ports.get(listener.port);
      if (first === undefined) ports.set(listener.port, index);
      else
        problems.add(
          `listeners[${index}].port`,
          String(listener.port),
          `a port that listeners[${first}] has not`,
        );
      return;
    }
    const key = `${group}:${listener.albPort ?? listener.targetPort ?? listener.port}`;
    const first = groups.get(key);
    if (first === undefined) groups.set(key, index);
    else {
      problems.add(
        `listeners[${index}].targetGroup`,
        `that of listeners[${first}]`,
        'another target group, or the same with another albPort',
      );
    }
  });
}
