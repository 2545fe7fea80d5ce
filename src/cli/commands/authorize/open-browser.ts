import type { Environment } from '../../context.ts';

/** Opens the link in the browser of this machine, if it has one. The link is printed in any case. */
export async function openBrowser(link: string, environment: Environment): Promise<void> {
  if (!hasDesktop(process.platform, environment)) return;
  try {
    const { default: open } = await import('open');
    const child = await open(link);
    child.on('error', () => {});
    child.unref();
  } catch {
    // The person opens the printed link.
  }
}

/** A session over SSH, in a container or on a server has no desktop. */
export function hasDesktop(platform: string, environment: Environment): boolean {
  if (environment.SSH_CONNECTION) return false;
  if (platform !== 'linux') return true;
  return Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY || environment.WSL_DISTRO_NAME);
}
