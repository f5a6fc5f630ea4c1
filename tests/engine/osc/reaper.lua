-- A stand-in for REAPER, as far as ReaScripts of the kit use it: a project of tracks, items, takes and sources, the
-- defer queue, remembered values, dialogs that are answered from a table, and programs that run beside it. Names,
-- arguments and results are those of REAPER's own documentation (ReaScript API, 7.x); what a script calls beyond them
-- is an error, and so is a value that REAPER does not know. A scene sets the globals below before a script is run.

SCENE = {
  items = {}, -- { track = 1, name, file, rate, length_s, position, length, offset, ... }
  answer = nil, -- of GetUserInputs; nil means that the user cancels
  files = {}, -- answers of GetUserFileNameForRead, in order
  remembered = {}, -- of GetExtState
  commands = {}, -- program -> what it stands for; a name that is not here is not found, as by a GUI program's PATH
  keys = {}, -- of gfx.getchar, by turn
  cursor = 0, selection = { 0, 0 }, tracks = 1, turns = 4000,
}
SAID = {} -- what happened, one line each

local ITEM = { D_POSITION = 0, D_LENGTH = 0, D_VOL = 1, D_FADEINLEN = 0.01, D_FADEOUTLEN = 0.01, D_FADEINLEN_AUTO = -1,
  D_FADEOUTLEN_AUTO = -1, D_FADEINDIR = 0, D_FADEOUTDIR = 0, C_FADEINSHAPE = 0, C_FADEOUTSHAPE = 0, B_LOOPSRC = 1 }
local TAKE = { D_STARTOFFS = 0, D_VOL = 1, D_PAN = 0, D_PANLAW = -1, D_PLAYRATE = 1, D_PITCH = 0, B_PPITCH = 1,
  I_CHANMODE = 0, I_PITCHMODE = -1 }

local function say(...) SAID[#SAID + 1] = string.format(...) end

local function values(known, given)
  local found = {}
  for name, value in pairs(known) do found[name] = value end
  for name, value in pairs(given or {}) do
    if known[name] ~= nil then found[name] = value end
  end
  return found
end

local function value(object, kind, name)
  assert(object and object.kind == kind, "not a " .. kind)
  return assert(object.values[name], kind .. " has no value " .. tostring(name))
end

local function set(object, kind, name, new)
  value(object, kind, name)
  assert(type(new) == "number", name .. " needs a number")
  object.values[name] = new
  return true
end

-- Length of a WAV in seconds, as REAPER would tell it.
local function wav(path)
  local file = assert(io.open(path, "rb"))
  local head = file:read(12)
  assert(head:sub(1, 4) == "RIFF", path)
  local rate, block, length
  while true do
    local name = file:read(4)
    if not name or #name < 4 then break end
    local size = string.unpack("<I4", file:read(4))
    if name == "fmt " then
      local form = file:read(size)
      rate, block = string.unpack("<I4", form, 5), string.unpack("<I2", form, 13)
    elseif name == "data" then
      length = size
      file:seek("cur", size + size % 2)
    else
      file:seek("cur", size + size % 2)
    end
  end
  file:close()
  return rate, length / block / rate
end

local tracks, selected, deferred, turn = {}, {}, {}, 0

local function new_track(index)
  table.insert(tracks, index + 1, { kind = "track", items = {}, name = "" })
end

local function new_source(path)
  local rate, length_s = wav(path)
  return { kind = "source", path = path, rate = rate, length_s = length_s, type = "WAVE" }
end

local function load_scene()
  for _ = 1, SCENE.tracks do new_track(#tracks) end
  for _, one in ipairs(SCENE.items) do
    local item = { kind = "item", track = tracks[one.track or 1], values = values(ITEM, one) }
    local take = { kind = "take", name = one.name or "take", values = values(TAKE, one),
      markers = one.stretch_markers or 0,
      fx = one.fx or 0, envelopes = one.envelopes or 0, midi = one.midi or false }
    if one.file then take.source = new_source(one.file) end
    if take.source and one.source_type then take.source.type = one.source_type end
    if take.source and one.source_type == "SECTION" then take.source.path = "" end
    item.take = not one.empty and take or nil
    item.track.items[#item.track.items + 1] = item
    selected[#selected + 1] = item
  end
end

-- Run a command line as REAPER does: without a shell of its own, split at quotes.
local function run(line, timeout_ms)
  local words = {}
  for word in line:gmatch('"([^"]*)"') do words[#words + 1] = "'" .. word:gsub("'", "'\\''") .. "'" end
  local program = line:match('^"([^"]*)"')
  local real = SCENE.commands[program]
  say("RUN %s %s", timeout_ms, line)
  if not real then return nil end
  words[1] = "'" .. real .. "'"
  if timeout_ms < 0 then
    os.execute(table.concat(words, " ") .. " >/dev/null 2>&1 &")
    return ""
  end
  local pipe = io.popen(table.concat(words, " ") .. " 2>/dev/null") -- standard output only, as REAPER has it
  local output = pipe:read("a")
  local _, _, code = pipe:close()
  return (code or 0) .. "\n" .. output
end

local API = {
  AddMediaItemToTrack = function(track)
    local item = { kind = "item", track = track, values = values(ITEM) }
    track.items[#track.items + 1] = item
    return item
  end,
  AddTakeToMediaItem = function(item)
    item.take = { kind = "take", name = "", values = values(TAKE), markers = 0, fx = 0, envelopes = 0, midi = false }
    return item.take
  end,
  CountSelectedMediaItems = function() return #selected end,
  CountTakeEnvelopes = function(take) return take.envelopes end,
  CountTracks = function() return #tracks end,
  ExecProcess = run,
  GetActiveTake = function(item) return item.take end,
  GetCursorPosition = function() return SCENE.cursor end,
  GetExtState = function(section, key) return SCENE.remembered[section .. "." .. key] or "" end,
  GetMediaItemInfo_Value = function(item, name) return value(item, "item", name) end,
  GetMediaItemTakeInfo_Value = function(take, name) return value(take, "take", name) end,
  GetMediaItemTake_Source = function(take) return take.source end,
  GetMediaItem_Track = function(item) return item.track end,
  GetMediaSourceFileName = function(source) return source.path end,
  GetMediaSourceLength = function(source) return source.length_s, false end,
  GetMediaSourceSampleRate = function(source) return source.rate end,
  GetMediaSourceType = function(source) return source.type end,
  GetMediaTrackInfo_Value = function(track, name)
    assert(name == "IP_TRACKNUMBER")
    for at, one in ipairs(tracks) do
      if one == track then return at + 0.0 end
    end
  end,
  GetResourcePath = function() return SCENE.resources end,
  GetSelectedMediaItem = function(_, index) return selected[index + 1] end,
  GetSetMediaItemTakeInfo_String = function(take, name, text, is_set)
    assert(name == "P_NAME" and is_set)
    take.name = text
    return true, text
  end,
  GetSetMediaTrackInfo_String = function(track, name, text, is_set)
    assert(name == "P_NAME" and is_set)
    track.name = text
    return true, text
  end,
  GetSet_LoopTimeRange = function(is_set)
    assert(not is_set)
    return SCENE.selection[1], SCENE.selection[2]
  end,
  GetTakeName = function(take) return take.name end,
  GetTakeNumStretchMarkers = function(take) return take.markers end,
  GetTrack = function(_, index) return tracks[index + 1] end,
  GetUserFileNameForRead = function()
    local path = table.remove(SCENE.files, 1)
    say("ASKED for a file")
    return path ~= nil, path or ""
  end,
  GetUserInputs = function(title, count, captions, defaults)
    say("ASKED %d, default %s", count, defaults)
    local separator = captions:match("separator=(.)") or ","
    local _, fields = captions:gsub("%" .. separator, "")
    assert(fields >= count, "fewer captions than fields")
    return SCENE.answer ~= nil, SCENE.answer or ""
  end,
  InsertTrackAtIndex = function(index)
    assert(math.type(index) == "integer")
    new_track(index)
  end,
  MB = function(text, title, kind)
    assert(title and kind)
    say("MESSAGE %s", text:gsub("\n", " "))
    return 1
  end,
  PCM_Source_CreateFromFile = new_source,
  PreventUIRefresh = function() end,
  SetExtState = function(section, key, text, persist)
    assert(persist)
    SCENE.remembered[section .. "." .. key] = text
    say("REMEMBERED %s %s", key, text)
  end,
  SetMediaItemInfo_Value = function(item, name, new) return set(item, "item", name, new) end,
  SetMediaItemTakeInfo_Value = function(take, name, new) return set(take, "take", name, new) end,
  SetMediaItemTake_Source = function(take, source)
    take.source = source
    return true
  end,
  TakeFX_GetCount = function(take) return take.fx end,
  TakeIsMIDI = function(take) return take.midi end,
  TrackList_AdjustWindows = function() end,
  Undo_BeginBlock = function() say("UNDO begins") end,
  Undo_EndBlock = function(name) say("UNDO %s", name) end,
  UpdateArrange = function() end,
  ValidatePtr2 = function(_, pointer, kind)
    assert(kind == "MediaItem*")
    return pointer.kind == "item"
  end,
  defer = function(call) deferred[#deferred + 1] = call end,
  time_precise = function() return os.time() + 0.0 end,
}
reaper = setmetatable({}, {
  __index = function(_, name) return API[name] or error("REAPER has no function " .. name, 2) end,
})
local WINDOW = {
  init = function() say("WINDOW opens") end,
  quit = function() say("WINDOW closes") end,
  getchar = function() return SCENE.keys[turn] or 0 end,
  drawstr = function(text) if SAID[#SAID] ~= "SHOWN " .. text then say("SHOWN %s", text) end end,
  set = function() end, rect = function() end, update = function() end,
}
gfx = setmetatable({}, {
  __index = function(_, name) return WINDOW[name] or error("gfx has no " .. name, 2) end,
})

-- Run a script until it defers nothing more; the project is told at the end.
function perform(script)
  load_scene()
  dofile(script)
  local first = #SAID
  while #deferred > 0 do
    turn = turn + 1
    assert(turn < SCENE.turns, "the script never ends")
    local calls = deferred
    deferred = {}
    for _, call in ipairs(calls) do call() end
    os.execute("sleep 0.02")
  end
  say("TURNS %d, %d", turn, first)
  for at, track in ipairs(tracks) do
    for _, item in ipairs(track.items) do
      local take = item.take
      say("ITEM %d|%s|%.9f|%.9f|%.9f|%s|%g|%g|%g|%s", at, track.name, item.values.D_POSITION, item.values.D_LENGTH,
        take and take.values.D_STARTOFFS or 0, take and take.source and take.source.path or "", item.values.D_VOL,
        take and take.values.D_PITCH or 0, take and take.values.I_CHANMODE or 0, take and take.name or "")
    end
  end
  for _, line in ipairs(SAID) do print(line) end
end
