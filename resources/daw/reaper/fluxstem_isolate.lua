-- Fluxstem: isolate. Takes a named stem out of each selected item; it comes back on a new track, where the item is.
-- Needs a running bridge (fluxstem bridge) and the command fluxstem on the path.

local WAIT_MS = 3600000 -- a long clip on a slow machine

-- One argument of a command. REAPER runs it without a shell; a quote inside would still end the argument.
local function quoted(text)
  if text:find('"') then return nil end
  return '"' .. text .. '"'
end

local function ask(item, prompt)
  local take = reaper.GetActiveTake(item)
  if not take or reaper.TakeIsMIDI(take) then return nil, "it is no audio" end
  local source = reaper.GetMediaItemTake_Source(take)
  local path = reaper.GetMediaSourceFileName(source)
  if path == "" then return nil, "it is a section or a reversed take; glue it first" end
  local rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
  if math.abs(rate - 1) > 1e-9 then return nil, "its play rate is not 1; glue it first" end
  local from = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
  local to = from + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  local quoted_path, quoted_prompt = quoted(path), quoted(prompt)
  if not quoted_path or not quoted_prompt then return nil, "a quote is in a name" end
  local command = string.format("fluxstem send isolate %s %s --set start=%.6f --set end=%.6f --wait",
    quoted_path, quoted_prompt, from, to)
  local said = reaper.ExecProcess(command, WAIT_MS)
  if not said then return nil, "the command fluxstem was not found" end
  local code, rest = said:match("^(%-?%d+)\n(.*)$")
  local first = rest and rest:match("([^\r\n]+)")
  if code ~= "0" or not first then return nil, first or "the bridge did not answer" end
  return first
end

local function place(item, path, prompt)
  local track = reaper.GetMediaItem_Track(item)
  local index = math.floor(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER"))
  reaper.InsertTrackAtIndex(index, true)
  local new_track = reaper.GetTrack(0, index)
  reaper.GetSetMediaTrackInfo_String(new_track, "P_NAME", prompt, true)
  local new_item = reaper.AddMediaItemToTrack(new_track)
  local new_take = reaper.AddTakeToMediaItem(new_item)
  reaper.SetMediaItemTake_Source(new_take, reaper.PCM_Source_CreateFromFile(path))
  reaper.SetMediaItemInfo_Value(new_item, "D_POSITION", reaper.GetMediaItemInfo_Value(item, "D_POSITION"))
  reaper.SetMediaItemInfo_Value(new_item, "D_LENGTH", reaper.GetMediaItemInfo_Value(item, "D_LENGTH"))
end

local function main()
  local items = {}
  for i = 0, reaper.CountSelectedMediaItems(0) - 1 do items[#items + 1] = reaper.GetSelectedMediaItem(0, i) end
  if #items == 0 then return reaper.MB("Select the items to take a stem out of.", "Fluxstem", 0) end
  local ok, prompt = reaper.GetUserInputs("Fluxstem", 1, "What to take out,extrawidth=120", "bass")
  if not ok or prompt == "" then return end
  reaper.Undo_BeginBlock()
  for _, item in ipairs(items) do
    local path, why = ask(item, prompt)
    if path then place(item, path, prompt) else reaper.MB(why, "Fluxstem", 0) end
  end
  reaper.Undo_EndBlock("Fluxstem: isolate " .. prompt, -1)
  reaper.UpdateArrange()
end

main()
