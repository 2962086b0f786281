"use strict";
(() => {
  // What the page holds. Texts of the dataset are only ever set as text, never as markup.

  const index = JSON.parse(document.getElementById("index").textContent);
  const rows = index.promptOf.length;
  const flagged = new Set(index.flagged);
  const STATES = { o: "ok", f: "failed", b: "blocked", m: "missing" };
  const numbers = new Intl.NumberFormat("en");

  const state = (row) => STATES[index.states[row]];
  const prompt = (row) => index.prompts[index.promptOf[row]];
  const byId = (id) => document.getElementById(id);

  const grid = byId("grid");
  const words = byId("words");
  const detail = byId("detail");
  const revealed = new Set();
  const veiled = (row) => (flagged.has(row) || state(row) === "blocked") && !revealed.has(row);

  // Blocks: thumbnails and facts, parsed when a row of theirs comes into view. While the page is
  // still on its way the last block may be incomplete, and later ones are not there.

  const blocks = new Map();
  const MOST_BLOCKS = 160;

  function facts(row) {
    const number = Math.floor(row / index.block);
    let block = blocks.get(number);
    if (block) {
      blocks.delete(number);
    } else {
      const element = byId("blocks")?.children[number];
      if (!element || (document.readyState === "loading" && !element.nextElementSibling)) {
        return null;
      }
      block = JSON.parse(element.textContent);
      if (blocks.size >= MOST_BLOCKS) {
        blocks.delete(blocks.keys().next().value);
      }
    }
    blocks.set(number, block); // the most recently used stand last
    return block[row % index.block];
  }

  const thumbnail = (row) => {
    const own = facts(row);
    return own && own.thumbnail ? "data:image/jpeg;base64," + own.thumbnail : null;
  };

  // Filter.

  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  let plainPrompts = null;
  let found = [];
  let status = "all";

  function hasStatus(row) {
    return status === "all" || (status === "flagged" ? flagged.has(row) : state(row) === status);
  }

  function filter() {
    const wanted = plain(words.value).split(/\s+/u).filter(Boolean);
    plainPrompts ??= wanted.length ? index.prompts.map(plain) : null;
    const fits = plainPrompts && plainPrompts.map((text) => wanted.every((word) => text.includes(word)));
    found = [];
    for (let row = 0; row < rows; row++) {
      if (hasStatus(row) && (!wanted.length || fits[index.promptOf[row]])) {
        found.push(row);
      }
    }
    byId("count").textContent =
      found.length === rows
        ? numbers.format(rows) + (rows === 1 ? " image" : " images")
        : numbers.format(found.length) + " of " + numbers.format(rows) + " images";
    byId("nothing").hidden = found.length > 0;
    current = 0;
    for (const place of [...tiles.keys()]) {
      drop(place);
    }
    layOut();
    const top = grid.getBoundingClientRect().top - byId("tools").offsetHeight;
    if (top < 0) {
      scrollBy(0, top); // what was found begins below the tools
      show();
    }
  }

  // Grid: only tiles near the window exist.

  const GAP = 14;
  const TILE_WIDTH = 132;
  const CAPTION = 54;
  const tiles = new Map(); // place among the found -> li
  let columns = 1;
  let tileWidth = TILE_WIDTH;
  let current = 0; // the place that the Tab key reaches

  const tileHeight = () => tileWidth + CAPTION;
  const lineHeight = () => tileHeight() + GAP;

  function layOut() {
    const width = grid.clientWidth;
    columns = Math.max(2, Math.floor((width + GAP) / (TILE_WIDTH + GAP)));
    tileWidth = Math.floor((width - GAP * (columns - 1)) / columns);
    const lines = Math.ceil(found.length / columns);
    grid.style.height = Math.max(0, lines * lineHeight() - GAP) + "px";
    tiles.forEach((tile, place) => put(tile, place));
    show();
  }

  function put(tile, place) {
    const x = (place % columns) * (tileWidth + GAP);
    const y = Math.floor(place / columns) * lineHeight();
    tile.style.width = tileWidth + "px";
    tile.style.height = tileHeight() + "px";
    tile.style.transform = "translate(" + x + "px," + y + "px)";
    tile.querySelector(".well").style.height = tileWidth + "px";
  }

  function show() {
    const top = -grid.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / lineHeight()) - 2) * columns;
    const last = Math.min(found.length, (Math.ceil((top + innerHeight) / lineHeight()) + 2) * columns);
    for (const place of [...tiles.keys()]) {
      const focused = tiles.get(place).contains(document.activeElement);
      if ((place < first || place >= last) && !focused) {
        drop(place);
      }
    }
    for (let place = first; place < last; place++) {
      if (!tiles.has(place)) {
        add(place);
      }
    }
    if (!tiles.has(current)) {
      setCurrent(Math.min(Math.max(first, 0), Math.max(found.length - 1, 0)));
    }
  }

  function drop(place) {
    tiles.get(place).remove();
    tiles.delete(place);
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) {
      made.className = className;
    }
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  /** Words that mark a row; empty for one in which nothing is wrong. */
  function marks(row) {
    const list = state(row) === "ok" ? [] : [state(row)];
    return flagged.has(row) ? [...list, "flagged"] : list;
  }

  function add(place) {
    const row = found[place];
    const li = element("li");
    li.setAttribute("aria-setsize", found.length);
    li.setAttribute("aria-posinset", place + 1);
    const button = element("button", "tile " + marks(row).join(" "));
    button.type = "button";
    button.tabIndex = place === current ? 0 : -1;
    button.dataset.row = row;
    button.title = prompt(row);
    const well = element("span", "well");
    const caption = element("span", "prompt", prompt(row));
    caption.dir = "auto";
    button.append(well, caption);
    li.append(button);
    tiles.set(place, li);
    fill(li, row);
    put(li, place);
    // In the order of places, which is the order of reading.
    let next = null;
    for (const [other, tile] of tiles) {
      if (other > place && (!next || other < next.place)) {
        next = { place: other, tile };
      }
    }
    grid.insertBefore(li, next && next.tile);
  }

  function fill(li, row) {
    const well = li.querySelector(".well");
    const source = thumbnail(row);
    well.replaceChildren();
    well.classList.toggle("veiled", veiled(row));
    if (source) {
      const img = element("img");
      img.alt = "";
      img.decoding = "async";
      img.src = source;
      well.append(img);
    } else {
      li.dataset.waiting = facts(row) ? "" : "yes";
      const why = String(index.lacks[row] ?? "");
      well.append(element("span", "why", state(row) === "failed" ? why.split(".").pop() : why));
    }
    if (marks(row).length) {
      well.append(element("span", "badge " + marks(row).join(" "), marks(row).join(", ")));
    }
  }

  /** Blocks came in: thumbnails that had to wait. */
  function fillWaiting() {
    for (const [place, li] of tiles) {
      if (li.dataset.waiting === "yes" && facts(found[place])) {
        li.dataset.waiting = "";
        fill(li, found[place]);
      }
    }
    if (detail.open && detail.dataset.waiting === "yes" && facts(found[shown])) {
      open(shown);
    }
  }

  // Keys in the grid.

  function setCurrent(place) {
    tiles.get(current)?.querySelector("button").setAttribute("tabindex", "-1");
    current = place;
    tiles.get(current)?.querySelector("button").setAttribute("tabindex", "0");
  }

  function focus(place) {
    if (place < 0 || place >= found.length) {
      return;
    }
    if (!tiles.has(place)) {
      add(place);
    }
    setCurrent(place);
    const li = tiles.get(place);
    li.querySelector("button").focus({ preventScroll: true });
    const box = li.getBoundingClientRect();
    const upper = byId("tools").getBoundingClientRect().bottom;
    if (box.top < upper) {
      scrollBy(0, box.top - upper - GAP);
    } else if (box.bottom > innerHeight) {
      scrollBy(0, box.bottom - innerHeight + GAP);
    }
    show();
  }

  grid.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const page = columns * Math.max(1, Math.floor(innerHeight / lineHeight()) - 1);
    const end = found.length - 1;
    const target = {
      ArrowRight: current + 1,
      ArrowLeft: current - 1,
      ArrowDown: Math.min(current + columns, end),
      ArrowUp: current - columns,
      PageDown: Math.min(current + page, end),
      PageUp: Math.max(current - page, 0),
      Home: 0,
      End: end,
    }[event.key];
    if (target !== undefined) {
      event.preventDefault();
      focus(target);
    }
  });

  grid.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) {
      open(found.indexOf(Number(button.dataset.row)));
    }
  });

  // One image.

  let shown = 0; // place among the found

  function addFact(list, name, value) {
    if (value === undefined || value === null || value === "") {
      return;
    }
    const dd = element("dd");
    dd.dir = "auto";
    if (value instanceof Node) {
      dd.append(value);
    } else {
      dd.textContent = String(value);
    }
    list.append(element("dt", "", name), dd);
  }

  function open(place) {
    if (place < 0 || place >= found.length) {
      return;
    }
    shown = place;
    const row = found[place];
    const own = facts(row);
    const all = { ...index.common, ...own };
    detail.dataset.waiting = own ? "" : "yes";
    byId("place").textContent = numbers.format(place + 1) + " of " + numbers.format(found.length);
    byId("previous").disabled = place === 0;
    byId("next").disabled = place === found.length - 1;
    byId("detail-prompt").textContent = prompt(row);
    byId("badges").replaceChildren(...marks(row).map((mark) => element("span", "badge " + mark, mark)));
    picture(row, all);

    const list = byId("facts");
    list.replaceChildren();
    if (state(row) !== "blocked") {
      addFact(list, state(row) === "missing" ? "Problem" : "Error", index.lacks[row]);
    }
    addFact(list, "Negative prompt", all.negative_prompt);
    addFact(list, index.seedsAreOfPrompts ? "Seed of the prompt" : "Seed", all.seed);
    addFact(list, "Image of the prompt", index.common.image_index === 0 ? "" : all.image_index);
    addFact(list, "Scheduler", all.scheduler);
    addFact(list, "Steps", all.steps);
    addFact(list, "Guidance scale", all.guidance_scale);
    addFact(list, "Size", all.width + " × " + all.height);
    addFact(list, "Model", all.model_id + (all.model_revision ? " at " + all.model_revision : ""));
    addFact(list, "Licence of the weights", all.license);
    addFact(list, "Computed by", [all.engine, all.device_kind, all.dtype].filter(Boolean).join(", "));
    addFact(list, "Prompt from", all.source_file + ", line " + all.source_line);
    addFact(list, "Prompt cut off", all.prompt_truncated ? "yes, it is longer than the model reads" : "");
    addFact(list, "NSFW score", all.nsfw_score);
    addFact(list, "File", all.file_name ? link(all.file_name) : "");
    addFact(list, "Example", all.example_id);

    copyable(byId("copy-parameters"), parameters(row, all));
    // Before a row's facts have come, its model is not known.
    copyable(byId("copy-again"), own ? again(row, all) : "");
    if (!detail.open) {
      detail.showModal();
      // Left to itself the browser picks whatever comes first: the picture, if that can be scrolled.
      byId("close").focus();
    } else if (document.activeElement?.disabled) {
      byId("close").focus(); // Keys pressed on a button that is off reach nobody.
    }
    byId("stage").scrollTop = 0;
    remember();
  }

  const address = (fileName) => "../" + fileName.split("/").map(encodeURIComponent).join("/");

  /** The archive that holds the file; null if it is a file of its own. */
  const archive = (fileName) => fileName.match(/^(.*\.tar)\//)?.[1] ?? null;

  function link(fileName) {
    const a = element("a", "", fileName);
    a.href = address(archive(fileName) ?? fileName);
    return a;
  }

  function picture(row, all) {
    const img = byId("picture");
    const small = thumbnail(row);
    img.hidden = !small;
    img.removeAttribute("src");
    byId("lack").hidden = Boolean(small);
    byId("lack").textContent = index.lacks[row] ?? "There is no image.";
    byId("full-note").hidden = true;
    byId("stage").classList.toggle("veiled", veiled(row));
    byId("reveal").hidden = !veiled(row) || !small;
    byId("reveal").textContent = marks(row).join(", ") + " – show the image";
    if (!small) {
      return;
    }
    img.src = small;
    // Small images grow a little; the file takes the thumbnail's place without a jump.
    img.style.maxWidth = Math.max(320, 3 * all.width) + "px";
    img.alt = veiled(row) ? "hidden image" : prompt(row);
    const tar = archive(all.file_name ?? "");
    if (tar) {
      byId("full-note").textContent =
        "This is the thumbnail. The file: tar -xf " + tar + " " + all.file_name.slice(tar.length + 1);
      byId("full-note").hidden = false;
    } else if (all.file_name) {
      const full = new Image();
      full.onload = () => {
        if (found[shown] === row) {
          img.src = full.src;
        }
      };
      full.onerror = () => {
        if (found[shown] === row) {
          byId("full-note").hidden = false;
        }
      };
      full.src = address(all.file_name);
    }
  }

  /** The text that the image's file carries too. */
  function parameters(row, all) {
    if (!all.parameters) {
      return "";
    }
    const negative = all.negative_prompt ? "\nNegative prompt: " + all.negative_prompt : "";
    return prompt(row) + negative + "\n" + all.parameters;
  }

  const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

  /** The value of an option that the file's text names; quoted there if it has a comma or colon. */
  function option(name, words, all) {
    const found = (all.parameters || "").match(new RegExp(", " + words + ': ("(?:[^"\\\\]|\\\\.)*"|[^,]*)'));
    if (!found) {
      return "";
    }
    const value = found[1].startsWith('"') ? JSON.parse(found[1]) : found[1];
    return " --" + name + "=" + quote(value);
  }

  /** A command for the shell; a prompt's images under one seed can't be drawn one by one. */
  function again(row, all) {
    if (index.seedsAreOfPrompts) {
      return "";
    }
    const record = { prompt: prompt(row), seed: all.seed };
    for (const name of ["negative_prompt", "scheduler", "steps", "guidance_scale", "width", "height"]) {
      if (all[name] !== undefined && all[name] !== "") {
        record[name] = all[name];
      }
    }
    // A commit is the Hub's; another model is where its owner has it.
    const place = all.model_revision ? "hf://" + all.model_id + "@" + all.model_revision : all.model_id;
    const license = all.license ? " --acceptLicense=" + quote(all.license) : "";
    const model = all.model_id === "demo" ? "" : " --model=" + quote(place) + license;
    return (
      "printf '%s\\n' " + quote(JSON.stringify(record)) + " > again.jsonl\n" +
      "./shardlight generate --input=again.jsonl --output=again" + model +
      option("lora", "LoRA", all) + option("vae", "VAE", all)
    );
  }

  function copyable(section, text) {
    section.hidden = !text;
    section.querySelector("pre").textContent = text;
    section.querySelector("button").textContent = "Copy";
  }

  for (const section of document.querySelectorAll(".copy")) {
    section.querySelector("button").addEventListener("click", async (event) => {
      const pre = section.querySelector("pre");
      try {
        await navigator.clipboard.writeText(pre.textContent);
        event.target.textContent = "Copied";
      } catch {
        // Not allowed here, as on pages without https: select it, for the user to copy.
        getSelection().selectAllChildren(pre);
        event.target.textContent = document.execCommand("copy") ? "Copied" : "Selected";
      }
    });
  }

  byId("reveal").addEventListener("click", () => {
    const row = found[shown];
    revealed.add(row);
    byId("stage").classList.remove("veiled");
    byId("reveal").hidden = true;
    byId("picture").alt = prompt(row);
    const li = tiles.get(shown);
    if (li) {
      fill(li, row);
    }
    byId("close").focus();
  });

  byId("previous").addEventListener("click", () => open(shown - 1));
  byId("next").addEventListener("click", () => open(shown + 1));
  byId("close").addEventListener("click", () => detail.close());
  detail.addEventListener("click", (event) => {
    if (event.target === detail) {
      detail.close(); // the backdrop
    }
  });
  detail.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      event.preventDefault();
      open(shown + (event.key === "ArrowRight" ? 1 : -1));
    }
  });
  detail.addEventListener("close", () => {
    remember();
    focus(shown);
  });

  // What is looked at stands in the address, to be kept and passed on.

  function remember() {
    const query = new URLSearchParams();
    if (words.value.trim()) {
      query.set("q", words.value.trim());
    }
    if (status !== "all") {
      query.set("show", status);
    }
    if (detail.open) {
      query.set("image", found[shown] + 1);
    }
    const hash = query.toString();
    if (hash !== location.hash.slice(1)) {
      history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    }
  }

  function recall() {
    const query = new URLSearchParams(location.hash.slice(1));
    words.value = query.get("q") ?? "";
    const wanted = query.get("show") ?? "all";
    const choice = [...byId("states").querySelectorAll("input")].find((input) => input.value === wanted);
    status = choice ? wanted : "all";
    (choice ?? byId("states").querySelector("input")).checked = true;
    filter();
    const place = found.indexOf(Number(query.get("image")) - 1);
    if (place >= 0) {
      open(place);
    } else if (detail.open) {
      detail.close();
    }
  }

  function addStates() {
    const counts = { all: rows, ok: 0, failed: 0, flagged: flagged.size, blocked: 0, missing: 0 };
    for (let row = 0; row < rows; row++) {
      counts[state(row)]++;
    }
    for (const [name, count] of Object.entries(counts)) {
      if (count === 0 && (name === "blocked" || name === "missing")) {
        continue; // rare; the others are always offered
      }
      const label = element("label");
      const input = element("input");
      input.type = "radio";
      input.name = "state";
      input.value = name;
      label.append(input, element("span", "", name + " " + numbers.format(count)));
      byId("states").append(label);
    }
  }

  addStates();
  let typing = 0;
  words.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      filter();
      remember();
    }, 120);
  });
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  byId("states").addEventListener("change", (event) => {
    status = event.target.value;
    filter();
    remember();
  });
  byId("reset").addEventListener("click", () => {
    words.value = "";
    status = "all";
    byId("states").querySelector("input").checked = true;
    filter();
    remember();
    words.focus();
  });
  addEventListener("hashchange", recall);

  let due = false;
  addEventListener("scroll", () => {
    if (!due) {
      due = true;
      requestAnimationFrame(() => {
        due = false;
        show();
      });
    }
  }, { passive: true });
  new ResizeObserver(layOut).observe(grid.parentElement);

  recall();

  if (document.readyState === "loading") {
    const arriving = new MutationObserver(fillWaiting);
    arriving.observe(document.body, { childList: true, subtree: true });
    document.addEventListener("DOMContentLoaded", () => {
      arriving.disconnect();
      fillWaiting();
    });
  }
})();
