// A desktop program that plays what a test scripted: `window.__TAURI__` as the window's bridge gives it. What is asked is
// kept in the order of asking; answers and questions outlive a reload, as the real program outlives its window.
(() => {
  const read = (name) => JSON.parse(sessionStorage.getItem(`desk.${name}`) ?? 'null');
  const write = (name, value) => sessionStorage.setItem(`desk.${name}`, JSON.stringify(value));
  const script = () => read('script') ?? FIRST_SCRIPT;
  const listeners = new Map();
  const held = [];

  const key = (envelope) => (envelope.ask === 'loop' ? `loop:${envelope.request.ask}` : envelope.ask);

  // The first answer that is scripted; the last one of a list stays.
  const next = (name) => {
    const all = script();
    const answers = all[name];
    if (!answers?.length) return { refuse: { code: 'not_found', message: `nothing is scripted for ${name}` } };
    if (answers.length > 1) { all[name] = answers.slice(1); write('script', all); }
    return answers[0];
  };

  const settle = (answer, resolve, reject) => ('refuse' in answer ? reject(answer.refuse) : resolve(answer.give));

  window.__TAURI__ = {
    core: {
      invoke(command, { envelope }) {
        if (command !== 'request') return Promise.reject({ code: 'internal', message: `no command ${command}` });
        write('asked', [...(read('asked') ?? []), envelope]);
        const answer = next(key(envelope));
        return new Promise((resolve, reject) => {
          if ('hold' in answer) held.push([key(envelope), resolve, reject]);
          else settle(answer, resolve, reject);
        });
      },
    },
    event: {
      async listen(name, hear) {
        const all = listeners.get(name) ?? new Set();
        listeners.set(name, all.add(hear));
        return () => all.delete(hear);
      },
    },
  };

  const parts = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    const [r, g, b, a = 1] = text.startsWith('color(srgb') ? [...numbers.slice(0, 3).map((n) => n * 255), ...numbers.slice(3)] : numbers;
    return [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (rgb) => rgb
    .map((n) => n / 255).map((n) => (n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4))
    .reduce((sum, n, i) => sum + n * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parts(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  // What is written with less contrast than WCAG AA asks of text of its size. What is switched off is not asked of.
  const faint = () => {
    const found = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement;
      if (!walk.currentNode.data.trim() || !element.getClientRects().length || element.closest(':disabled')) continue;
      const style = getComputedStyle(element);
      const below = ground(element);
      const [a, b] = [light(over(parts(style.color), below)), light(below)].sort((x, y) => y - x);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const contrast = (a + 0.05) / (b + 0.05);
      if (contrast < (large ? 3 : 4.5)) found.add(`${walk.currentNode.data.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return [...found];
  };

  window.desk = {
    faint,
    script(name, answers) { write('script', { ...script(), [name]: answers }); },
    tell(event) { for (const hear of listeners.get('desk') ?? []) hear({ payload: event }); },
    asked(name) { return (read('asked') ?? []).filter((envelope) => key(envelope) === name); },
    release(name, answer) {
      const at = held.findIndex(([of]) => of === name);
      if (at < 0) return false;
      const [[, resolve, reject]] = held.splice(at, 1);
      settle(answer, resolve, reject);
      return true;
    },
  };
})();
