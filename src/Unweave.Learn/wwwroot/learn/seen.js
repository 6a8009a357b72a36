// Tells a live demonstration that it is in view for the first time; not where the reader has asked for less motion.
export function whenSeen(figure, page) {
  if (!figure || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  // A figure may be taller than the window: a quarter of it, or of the window, is enough.
  const watch = new IntersectionObserver(
    entries => {
      if (!entries.some(e => e.intersectionRatio >= 0.25 || e.intersectionRect.height >= 0.4 * innerHeight)) return;
      watch.disconnect();
      page.invokeMethodAsync('InView').catch(() => {}); // the reader has left
    },
    { threshold: [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1] },
  );
  watch.observe(figure);
}
