-- @description Fluxstem: take stems out of items, change them, make new parts
-- @version 1.0
-- @author Fluxstem
-- @about
--   Takes a named stem out of each selected item, changes it, or makes a new part. The results come on new tracks where
--   the item is. Needs a running bridge (`fluxstem bridge`). REAPER stays free meanwhile; a small window shows how far
--   the jobs are, and Escape, or closing it, cancels them.

local SECTION, PROGRAM, LAST = "fluxstem", "program", "last" -- where REAPER remembers things
local START_LIMIT_S = 60 -- for the program to say anything at all
local CHECK_MS = 20000
local BACKGROUND = -1 -- for ExecProcess: start it and go on
local ESCAPE, CLOSED = 27, -1

-- takes: what an item is to a task. "part": only the item's part of its file is sent, and comes back. "file": the whole
-- file comes back with that part changed. "gap": the time selection is what to fill. "end": what follows the file.
local TASKS = {
  isolate = { takes = "part", others = { "rest" } },
  remove = { takes = "part", others = { "stem" } },
  regenerate = { takes = "part", others = {} },
  restyle = { takes = "file", others = {} },
  replace = { takes = "file", others = { "stem", "rest" }, with = true },
  inpaint = { takes = "gap", others = {} },
  extend = { takes = "end", others = {}, seconds = true },
  generate = { takes = "nothing", others = {}, seconds = true },
  arrange = { takes = "nothing", others = {}, seconds = true },
}

-- Of a take or an item, copied to what comes in its place, so that it sounds as before.
local TAKE_VALUES = { "D_VOL", "D_PAN", "D_PANLAW", "D_PLAYRATE", "D_PITCH", "B_PPITCH", "I_CHANMODE", "I_PITCHMODE" }
local ITEM_VALUES = { "D_VOL", "D_POSITION", "D_LENGTH", "D_FADEINLEN", "D_FADEOUTLEN", "D_FADEINLEN_AUTO",
  "D_FADEOUTLEN_AUTO", "D_FADEINDIR", "D_FADEOUTDIR", "C_FADEINSHAPE", "C_FADEOUTSHAPE", "B_LOOPSRC" }

local jobs = {}
local number = 0

-- One argument of a command line. REAPER runs it without a shell; only a quote would end it.
local function quoted(text)
  if text:find('["%c]') or text:sub(-1) == "\\" then return nil end
  return '"' .. text .. '"'
end

local function command(program, words)
  local line = { quoted(program) }
  for _, word in ipairs(words) do
    local one = quoted(word)
    if not one then return nil, "a quote or a control character is in " .. word end
    line[#line + 1] = one
  end
  return table.concat(line, " ")
end

local function answers(program)
  local line = program ~= "" and command(program, { "--version" })
  local said = line and reaper.ExecProcess(line, CHECK_MS)
  return said and said:match("^0[\r\n]") ~= nil
end

-- The program fluxstem: the remembered one, else the one on the path, else the user is asked, once.
local function find_program()
  local known = reaper.GetExtState(SECTION, PROGRAM)
  if answers(known) then return known end
  local home = os.getenv("HOME") or ""
  local places = { "fluxstem", home .. "/.local/bin/fluxstem", "/opt/homebrew/bin/fluxstem", "/usr/local/bin/fluxstem" }
  for _, place in ipairs(places) do
    if answers(place) then
      reaper.SetExtState(SECTION, PROGRAM, place, true)
      return place
    end
  end
  reaper.MB("The program fluxstem was not found. Show me where it is; I shall remember it.\n" ..
    "In a terminal, `which fluxstem` (Windows: `where fluxstem`) tells.", "Fluxstem", 0)
  local ok, path = reaper.GetUserFileNameForRead("", "Where is fluxstem?", "")
  if not ok then return nil end
  if not answers(path) then
    reaper.MB(path .. " does not answer as fluxstem does.", "Fluxstem", 0)
    return nil
  end
  reaper.SetExtState(SECTION, PROGRAM, path, true)
  return path
end

-- What cannot be respected is refused by its name.
local function refusal(item, take)
  if not take then return "it has no take" end
  if reaper.TakeIsMIDI(take) then return "it is MIDI; render it first" end
  local source = reaper.GetMediaItemTake_Source(take)
  local kind = reaper.GetMediaSourceType(source)
  if kind == "SECTION" then return "it is reversed, or a section of its file; glue it first" end
  if reaper.GetMediaSourceFileName(source) == "" then return "it has no file; glue it first" end
  if reaper.GetTakeNumStretchMarkers(take) > 0 then return "it has stretch markers; glue it first" end
  if reaper.TakeFX_GetCount(take) > 0 then return "it has take effects; glue it first, or take them off" end
  if reaper.CountTakeEnvelopes(take) > 0 then return "it has take envelopes; glue it first" end
  local offset_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
  if offset_s < 0 then return "it begins before its file does; trim it" end
  return nil
end

-- The part of its file that an item plays, in samples of that file.
local function part_of(item, take)
  local source = reaper.GetMediaItemTake_Source(take)
  local rate = reaper.GetMediaSourceSampleRate(source)
  local length_s, in_beats = reaper.GetMediaSourceLength(source)
  if in_beats or rate <= 0 then return nil, "its source is no audio file" end
  local offset_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
  local speed = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
  local plays_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH") * speed
  local total = math.floor(length_s * rate + 0.5)
  local first = math.floor(offset_s * rate + 1e-6)
  local last = math.ceil((offset_s + plays_s) * rate - 1e-6)
  if last > total + 1 and reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") == 1 then
    return nil, "it repeats its file; glue it first"
  end
  last = math.min(last, total)
  if first >= last then return nil, "nothing of its file is in it" end
  return { rate = rate, offset_s = offset_s, speed = speed, first = first, last = last, total = total }
end

-- The time selection inside an item, in samples of its file.
local function gap_of(item, part)
  local from, to = reaper.GetSet_LoopTimeRange(false, false, 0, 0, false)
  local position = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local function sample(at_s) return math.floor((part.offset_s + (at_s - position) * part.speed) * part.rate + 0.5) end
  local first, last = math.max(part.first, sample(from)), math.min(part.last, sample(to))
  if from == to or first >= last then return nil, "select the time to fill inside it" end
  return first, last
end

local function new_job(asked)
  number = number + 1
  local id = ("reaper-%d-%d"):format(os.time(), number)
  local job = { id = id, fraction = 0, name = "new part" }
  for key, value in pairs(asked) do job[key] = value end
  job.report = reaper.GetResourcePath() .. "/" .. id .. ".fluxstem"
  return job
end

local function words_of(job)
  local words = { "send", job.task }
  if job.file then words[#words + 1] = job.file end
  words[#words + 1] = job.prompt
  for _, word in ipairs({ "--id", job.id, "--report", job.report }) do words[#words + 1] = word end
  local function set(name, value)
    words[#words + 1] = "--set"
    words[#words + 1] = name .. "=" .. value
  end
  if job.first then
    set("start", ("%dsmp"):format(job.first))
    set("end", ("%dsmp"):format(job.last))
  end
  if TASKS[job.task].with then set("replacement", job.with) end
  if TASKS[job.task].seconds then set("seconds", job.seconds) end
  return words
end

local function job_of(item, asked)
  local take = reaper.GetActiveTake(item)
  local why = refusal(item, take)
  if why then return nil, why end
  local part
  part, why = part_of(item, take)
  if not part then return nil, why end
  local job = new_job(asked)
  job.item, job.take, job.part = item, take, part
  job.file = reaper.GetMediaSourceFileName(reaper.GetMediaItemTake_Source(take))
  job.name = reaper.GetTakeName(take)
  local takes = TASKS[asked.task].takes
  if takes == "part" or takes == "file" then
    job.first, job.last = part.first, part.last
  elseif takes == "gap" then
    job.first, job.last = gap_of(item, part)
    if not job.first then return nil, job.last end
  elseif part.last < part.total then
    return nil, "it does not reach the end of its file; glue it first"
  end
  return job
end

local function report_of(job)
  local file = io.open(job.report, "r")
  if not file then return {} end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

local function track_index(item)
  if not item then return reaper.CountTracks(0) end
  return math.floor(reaper.GetMediaTrackInfo_Value(reaper.GetMediaItem_Track(item), "IP_TRACKNUMBER"))
end

-- A new track with one file, as its item had it.
local function place(job, path, name, index, start)
  reaper.InsertTrackAtIndex(index, true)
  local track = reaper.GetTrack(0, index)
  reaper.GetSetMediaTrackInfo_String(track, "P_NAME", name, true)
  local item = reaper.AddMediaItemToTrack(track)
  local take = reaper.AddTakeToMediaItem(item)
  local source = reaper.PCM_Source_CreateFromFile(path)
  reaper.SetMediaItemTake_Source(take, source)
  reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", name, true)
  if not job.item then
    reaper.SetMediaItemInfo_Value(item, "D_POSITION", job.position)
    reaper.SetMediaItemInfo_Value(item, "D_LENGTH", (reaper.GetMediaSourceLength(source)))
    return
  end
  for _, value in ipairs(ITEM_VALUES) do
    reaper.SetMediaItemInfo_Value(item, value, reaper.GetMediaItemInfo_Value(job.item, value))
  end
  for _, value in ipairs(TAKE_VALUES) do
    reaper.SetMediaItemTakeInfo_Value(take, value, reaper.GetMediaItemTakeInfo_Value(job.take, value))
  end
  reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", job.part.offset_s - start / job.part.rate)
  if TASKS[job.task].takes == "end" then
    local plays_s = (reaper.GetMediaSourceLength(source) - job.part.offset_s) / job.part.speed
    reaper.SetMediaItemInfo_Value(item, "D_LENGTH", plays_s)
  end
end

local function bring(job, report)
  if job.item and not reaper.ValidatePtr2(0, job.item, "MediaItem*") then return "the item is not there any more" end
  local start = tonumber(report[1]:match("^done (%d+)")) or 0
  local rule = TASKS[job.task]
  local names = { rule.with and ("%s with %s"):format(job.name, job.with) or job.prompt }
  if job.task == "remove" then names = { ("%s without %s"):format(job.name, job.prompt) } end
  if job.task == "arrange" then -- its mix, then a stem for each prompt
    for one in job.prompt:gmatch("[^;]+") do names[#names + 1] = one:match("^%s*(.-)%s*$") end
  end
  for _, other in ipairs(rule.others) do names[#names + 1] = ("%s (%s)"):format(job.name, other) end
  local last = job.rest and #report - 1 or 1
  local index = track_index(job.item)
  reaper.Undo_BeginBlock()
  reaper.PreventUIRefresh(1)
  for at = 1, last do
    place(job, report[at + 1], names[at] or ("%s %d"):format(job.prompt, at), index + at - 1, start)
  end
  reaper.PreventUIRefresh(-1)
  reaper.Undo_EndBlock(("Fluxstem: %s %s"):format(job.task, job.prompt), -1)
  reaper.TrackList_AdjustWindows(false)
  reaper.UpdateArrange()
end

-- What became of a job since the last look; false when it is over, then why it failed, if it did.
local function step(job)
  if not job.began then
    local line, why = command(job.program, words_of(job))
    if not line then return false, why end
    os.remove(job.report)
    reaper.ExecProcess(line, BACKGROUND)
    job.began = reaper.time_precise()
    return true
  end
  local report = report_of(job)
  local state = (report[1] or ""):match("^%a+")
  if state == "done" and job.cancelled then return false end
  if state == "done" and #report > 1 then return false, bring(job, report) end
  if state == "fail" then return false, not job.cancelled and (report[2] or "nobody says why") or nil end
  if state == "running" then job.fraction = tonumber(report[1]:match("^running ([%d.]+)")) or job.fraction end
  if not state and reaper.time_precise() - job.began > START_LIMIT_S then
    return false, job.program .. " did not start"
  end
  return true
end

local function cancel_all()
  for _, job in ipairs(jobs) do
    if job.began and not job.cancelled then
      reaper.ExecProcess(command(job.program, { "send", "cancel", job.id }), BACKGROUND)
    end
    job.cancelled = true
  end
  for at = #jobs, 1, -1 do
    if not jobs[at].began then table.remove(jobs, at) end
  end
end

local function draw()
  local job = jobs[1]
  gfx.set(0.2, 0.2, 0.2)
  gfx.rect(10, 34, 380, 12)
  gfx.set(0.4, 0.7, 0.4)
  gfx.rect(10, 34, math.floor(380 * job.fraction), 12)
  gfx.set(1, 1, 1)
  gfx.x, gfx.y = 10, 10
  local more = #jobs > 1 and (", %d more"):format(#jobs - 1) or ""
  gfx.drawstr(("%s of %s: %d %%%s%s"):format(job.prompt, job.name, math.floor(100 * job.fraction), more,
    job.cancelled and ", cancelling" or ""))
  gfx.x, gfx.y = 10, 54
  gfx.drawstr("Escape, or closing this window, cancels.")
  gfx.update()
end

-- REAPER calls this some thirty times a second; it never waits.
local function loop()
  local key = gfx.getchar()
  if key == ESCAPE or key == CLOSED then cancel_all() end
  local job = jobs[1]
  if job then
    local goes_on, why = step(job)
    if not goes_on then
      table.remove(jobs, 1)
      os.remove(job.report)
      if why then reaper.MB(job.name .. ": " .. why, "Fluxstem", 0) end
    end
  end
  if #jobs == 0 then
    if key ~= CLOSED then gfx.quit() end
    return
  end
  if key ~= CLOSED then draw() end
  reaper.defer(loop)
end

local function question()
  local last = reaper.GetExtState(SECTION, LAST)
  local ok, said = reaper.GetUserInputs("Fluxstem", 5,
    "Task (isolate, remove, ...)|What|With what (replace)|Seconds (generate, arrange, extend)|" ..
    "Bring the others too (y/n)|extrawidth=180|separator=|", last ~= "" and last or "isolate|bass||10|y")
  if not ok then return nil end
  local task, prompt, with, seconds, rest = said:match("^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)$")
  task = task and task:lower():match("^%s*(%a+)%s*$")
  local rule = TASKS[task or ""]
  if not rule then
    return nil, "There is no such task. Choose isolate, remove, regenerate, restyle, replace, inpaint, extend, " ..
      "generate or arrange."
  end
  if not prompt:find("%S") then return nil, "Say in a few words what you want, such as bass." end
  if rule.with and not with:find("%S") then return nil, "Say what to put in its place, such as trumpet." end
  if rule.seconds and not tonumber(seconds) then return nil, "Say how many seconds to make, such as 10." end
  reaper.SetExtState(SECTION, LAST, said, true)
  return { task = task, prompt = prompt, with = with, seconds = seconds, rest = rest:lower():match("^%s*[yj1]") ~= nil }
end

local function main()
  local asked, why = question()
  if not asked then return why and reaper.MB(why, "Fluxstem", 0) end
  asked.program = find_program()
  if not asked.program then return end
  if TASKS[asked.task].takes == "nothing" then
    asked.position = reaper.GetCursorPosition()
    jobs[1] = new_job(asked)
  else
    local count = reaper.CountSelectedMediaItems(0)
    if count == 0 then return reaper.MB("Select the items first.", "Fluxstem", 0) end
    for at = 0, count - 1 do
      local item = reaper.GetSelectedMediaItem(0, at)
      local job
      job, why = job_of(item, asked)
      if job then
        jobs[#jobs + 1] = job
      else
        local take = reaper.GetActiveTake(item)
        reaper.MB((take and reaper.GetTakeName(take) or "an empty item") .. ": " .. why, "Fluxstem", 0)
      end
    end
  end
  if #jobs == 0 then return end
  gfx.init("Fluxstem", 400, 76)
  loop()
end

main()
