import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Local ports of the IPv4 connections of a process. Stop the process first: a running one may open more meanwhile. */
export function portsOf(pid: number): Set<number> {
  const inodes = new Set<string>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`)) ?? [];
    if (inode !== undefined) inodes.add(inode);
  }
  const ports = new Set<number>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    // Fields: number, local address and port in hexadecimal, remote address and port, state, …; the tenth is the inode.
    const [, local = '', , , , , , , , inode = ''] = line.trim().split(/\s+/);
    if (inodes.has(inode)) ports.add(Number.parseInt(local.split(':')[1] ?? '', 16));
  }
  return ports;
}
