// Sets the colors before anything is drawn: the reader's choice, else the system's.
(() => {
  const key = 'unweave-theme',
    system = matchMedia('(prefers-color-scheme: dark)');
  const read = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const apply = () => {
    const choice = read() ?? 'system',
      root = document.documentElement;
    root.dataset.themeChoice = choice;
    root.dataset.theme = choice === 'system' ? (system.matches ? 'dark' : 'light') : choice;
  };
  window.unweaveNextTheme = () => {
    const order = ['system', 'light', 'dark'],
      next = order[(order.indexOf(read() ?? 'system') + 1) % 3];
    try {
      localStorage.setItem(key, next);
    } catch {
      /* a browser that keeps nothing */
    }
    apply();
  };
  system.addEventListener('change', apply);
  addEventListener('storage', apply);
  apply();
})();
