import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import type { Clocks } from '../ground.ts';

/** Seconds from which a person should look: the broker counts a token as expired 5 s early. */
const tolerated = 5;
/** Seconds from which a clock is wrong: signed requests to providers are valid for a few minutes only. */
const wrong = 30;
/** The Date header has whole seconds, and Node.js keeps it for up to a second. */
const dateErrorMs = 2_000;

const setClock = 'Set it by NTP (timedatectl set-ntp true), and let it follow one time server with the other machines.';

/** Checks that the clocks of this machine, of the service's machine and of the database agree. */
export const clockCheck: Check = {
  name: 'clock',
  async run({ service, isLocal }) {
    if (service.state !== 'answers') return skipped('Not known: the service does not answer.');
    const { clocks, health } = service;
    const broker = aheadOf(clocks, clocks.date, dateErrorMs);
    if (health.database !== 'ok') return judge('The clock of this machine', -broker, 'that of the service');
    const database = aheadOf(clocks, clocks.timestamp, 0);
    // The clock that differs from both others is the wrong one.
    const between = broker - database;
    if (Math.abs(between) < tolerated)
      return judge('The clock of this machine', -database, 'those of service and database');
    if (Math.abs(database) < tolerated) return judge('The clock of the service', broker, 'that of the database');
    const name = isLocal ? 'The clock of this machine' : 'The clock of the service';
    return judge(name, between, 'that of the database');
  },
};

/** Seconds by which a clock is ahead of this machine, at least: the reading is of some moment between two readings here. */
function aheadOf({ sentAt, receivedAt }: Clocks, reading: number, errorMs: number): number {
  const [least, most] = [reading - receivedAt, reading + errorMs - sentAt];
  if (Number.isNaN(reading) || (least <= 0 && most >= 0)) return 0;
  return Math.round((least > 0 ? least : most) / 1000);
}

function judge(name: string, seconds: number, reference: string): Finding {
  const difference = Math.abs(seconds);
  if (difference < tolerated) return ok('The clocks of this machine, the service and the database agree.');
  const found = `${name} is ${difference} s ${seconds > 0 ? 'ahead of' : 'behind'} ${reference}.`;
  return difference < wrong ? warning(found, setClock) : failed(found, setClock);
}
