// Keys, copying and local times. Every page also works without this script.
(() => {
  const destinations = {
    o: '/console',
    c: '/console/connections',
    g: '/console/grants',
    e: '/console/explain',
    w: '/console/workflows',
    a: '/console/audit',
  };

  document.documentElement.classList.add('has-scripts');

  const isTyping = (target) =>
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

  /** The link of the navigation that ends with the path: the page knows what a proxy puts before it. */
  const linkTo = (path) =>
    [...document.querySelectorAll('nav.sections a, a.brand')].find((link) => link.pathname.endsWith(path));

  let isGoing = false;
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (isGoing) {
      isGoing = false;
      const link = linkTo(destinations[event.key]);
      if (destinations[event.key] !== undefined && link !== undefined) link.click();
      return;
    }
    if (event.key === 'g') isGoing = true;
    else if (event.key === '?') document.getElementById('keys')?.showModal();
    else if (event.key === '/') {
      event.preventDefault();
      document.querySelector('[data-key="/"]')?.focus();
    }
  });

  document.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    if (button === null) return;
    if (button.dataset.opens !== undefined) document.getElementById(button.dataset.opens)?.showModal();
    if (button.dataset.copies === undefined) return;
    const text = button.parentElement?.querySelector('code, output')?.textContent ?? '';
    await navigator.clipboard.writeText(text);
    const label = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  });

  /** Adds the local time to the exact time in UTC. */
  const localize = () => {
    const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
    for (const time of document.querySelectorAll('time[title]:not([data-local])')) {
      time.dataset.local = '';
      time.title = `${format.format(new Date(time.dateTime))}, ${time.title}`;
    }
  };
  localize();
  document.addEventListener('htmx:after:swap', localize);
})();
