-- A row for each series that records contrast, as contrast_index of the Imaging Data Commons has them.
select
    SeriesInstanceUID,
    list(distinct ContrastBolusAgent order by ContrastBolusAgent) filter (ContrastBolusAgent is not null) as ContrastBolusAgent,
    list(distinct ContrastBolusIngredient order by ContrastBolusIngredient)
        filter (ContrastBolusIngredient is not null) as ContrastBolusIngredient,
    list(distinct ContrastBolusRoute order by ContrastBolusRoute) filter (ContrastBolusRoute is not null) as ContrastBolusRoute
from instances
where coalesce(ContrastBolusAgent, ContrastBolusIngredient, ContrastBolusRoute) is not null
group by series_key, SeriesInstanceUID
order by SeriesInstanceUID
