// Starts the wasm. The theme is set first, so that the first paint has the right colours.
import init from './ui.js';

try {
  const theme = localStorage.getItem('loopwright.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.setAttribute('data-theme', theme);
} catch { /* a browser without storage follows the system */ }

init({ module_or_path: new URL('./ui_bg.wasm', import.meta.url) }).catch((problem) => {
  const words = document.createElement('p');
  words.textContent = `The dashboard could not start: ${problem}. Reload the page; if that does not help, use a current browser.`;
  document.body.append(words);
});
